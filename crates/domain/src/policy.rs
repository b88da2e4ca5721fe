//! Who may do what: one table, asked before anything is done.
//!
//! A new act is a variant of [`Action`]; the exhaustive matches below then ask who may do it and what it is called. What
//! the table doesn't give, nobody may (ASVS 5.0, 8.2.1 and 8.3.1).

use std::fmt;

use serde::{Deserialize, Serialize};

/// What somebody does for the company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Answers customers.
    Support,
    /// Sees to it that support answers in time.
    Supervisor,
    /// Answers for what is held and why.
    PrivacyOfficer,
    /// Plans what customers are asked and offered.
    Marketing,
    /// Gives the others their way in.
    Administrator,
}

impl Role {
    /// All of them, as lists show them.
    pub const ALL: [Self; 5] = [
        Self::Support,
        Self::Supervisor,
        Self::PrivacyOfficer,
        Self::Marketing,
        Self::Administrator,
    ];

    /// As forms, the command line and the store write it.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Support => "support",
            Self::Supervisor => "supervisor",
            Self::PrivacyOfficer => "privacy-officer",
            Self::Marketing => "marketing",
            Self::Administrator => "administrator",
        }
    }

    /// As people read it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Support => "Support",
            Self::Supervisor => "Supervisor",
            Self::PrivacyOfficer => "Privacy officer",
            Self::Marketing => "Marketing",
            Self::Administrator => "Administrator",
        }
    }

    /// Reads what [`Self::key`] writes.
    pub fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.key() == key)
    }

    /// Whether the table lets the role do this.
    pub fn may(self, action: Action) -> bool {
        may(Actor::Staff(self), action)
    }

    /// What the role may do behind the staff door, each as the end of "You can …".
    pub fn duties(self) -> impl Iterator<Item = &'static str> {
        Action::ALL
            .into_iter()
            .filter(move |action| action.is_of_staff() && self.may(*action))
            .map(Action::words)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who asks, as far as the table tells people apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who did not say who they are.
    Stranger,
    /// A customer who is logged in, and what they ask for is their own.
    Owner,
    /// A customer who is logged in, and what they ask for is another's.
    OtherCustomer,
    /// Somebody who works for the company, behind the staff door.
    Staff(Role),
    /// One of the company's systems, with a key that holds this scope; `None`: with a key that lacks the one it needs.
    System(Option<Scope>),
    /// Whoever runs the program on its own machine.
    Operator,
}

/// Which calls a key of another system opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Ask what the key itself may do.
    Whoami,
    /// Ask somebody whether they want to be in a programme.
    Members,
    /// Learn what to call a customer.
    Customers,
    /// Put in values about customers who said yes.
    Fields,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Whoami, Self::Members, Self::Customers, Self::Fields];

    /// As the command line and the store write it.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Whoami => "whoami",
            Self::Members => "members",
            Self::Customers => "customers",
            Self::Fields => "fields",
        }
    }

    /// Reads what [`Self::key`] writes.
    pub fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.key() == key)
    }
}

/// An act that somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Open what stands open to everybody.
    OpenPublicPage,
    /// Use a form at the door: sign up, log in, ask for a new password, use a link from a mail.
    UseDoor,
    /// Log in as a customer, or be taken for them.
    BeCustomer,
    /// Read what is held about a customer.
    ReadData,
    /// Read who looked at a customer's data.
    ReadLooks,
    /// Prove that rows of a connected system are a customer's.
    ProveRows,
    /// Read how a customer logs in: factors, devices, recovery codes.
    ReadCredentials,
    /// Change how a customer logs in.
    ChangeCredentials,
    /// End sessions of a customer.
    EndSessions,
    /// See what a customer allows.
    ReadGrants,
    /// Say yes or no to a purpose.
    ChangeGrants,
    /// See what points and rewards a customer has.
    ReadPoints,
    /// Take a reward for a customer's points.
    TakeReward,
    /// Take a copy of what is held about a customer.
    ExportData,
    /// Have everything erased that is held about a customer.
    EraseData,
    /// Open the staff's first page.
    OpenStaffHome,
    /// Read who works behind the staff door.
    ReadStaff,
    /// Invite somebody to the staff.
    InviteStaff,
    /// Give somebody of the staff another role.
    ChangeStaffRole,
    /// Take somebody of the staff their way in.
    RevokeStaff,
    /// Read which keys other systems have.
    ReadApiKeys,
    /// Make a key for another system.
    CreateApiKey,
    /// End a key of another system.
    RevokeApiKey,
    /// Read what the staff and other systems were allowed and refused.
    ReadDecisions,
    /// Read what the shops of programmes were told.
    ReadWebhooks,
    /// Tell the shop of a programme once more.
    SendWebhookAgain,
    /// Ask somebody, for a system, whether they want to be in a programme.
    AskToJoin,
    /// Learn, for a system, what to call a customer.
    FindCustomer,
    /// Put in, for a system, a value about a customer who said yes.
    PutField,
    /// Read which rewards there are, and how many are left.
    ReadRewards,
    /// Add, change and pause rewards, and put codes in.
    ChangeRewards,
    /// Read how many customers answered what.
    ReadAsks,
    /// Pause asks, and go on with them.
    PauseAsks,
    /// Put a customer's points right.
    CorrectPoints,
    /// Ask what the key of a system may do.
    AskWhoami,
}

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Party {
    /// Whoever asks.
    Everybody,
    /// The customer whom it is about, and nobody else.
    Owner,
    /// Every role of the staff.
    Staff,
    /// One role of the staff.
    Role(Role),
    /// A system whose key holds this scope.
    System(Scope),
    /// Whoever runs the program on its own machine.
    Operator,
}

impl Party {
    fn holds(self, actor: Actor) -> bool {
        match (self, actor) {
            (Self::Everybody, _)
            | (Self::Owner, Actor::Owner)
            | (Self::Staff, Actor::Staff(_))
            | (Self::Operator, Actor::Operator) => true,
            (Self::Role(role), Actor::Staff(his)) => role == his,
            (Self::System(scope), Actor::System(Some(its))) => scope == its,
            _ => false,
        }
    }
}

/// Whether somebody may do something.
pub fn may(actor: Actor, action: Action) -> bool {
    action.parties().iter().any(|party| party.holds(actor))
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 35] = [
        Self::OpenPublicPage,
        Self::UseDoor,
        Self::BeCustomer,
        Self::ReadData,
        Self::ReadLooks,
        Self::ProveRows,
        Self::ReadCredentials,
        Self::ChangeCredentials,
        Self::EndSessions,
        Self::ReadGrants,
        Self::ChangeGrants,
        Self::ReadPoints,
        Self::TakeReward,
        Self::ExportData,
        Self::EraseData,
        Self::OpenStaffHome,
        Self::ReadStaff,
        Self::InviteStaff,
        Self::ChangeStaffRole,
        Self::RevokeStaff,
        Self::ReadApiKeys,
        Self::CreateApiKey,
        Self::RevokeApiKey,
        Self::ReadDecisions,
        Self::ReadWebhooks,
        Self::SendWebhookAgain,
        Self::AskToJoin,
        Self::FindCustomer,
        Self::PutField,
        Self::ReadRewards,
        Self::ChangeRewards,
        Self::ReadAsks,
        Self::PauseAsks,
        Self::CorrectPoints,
        Self::AskWhoami,
    ];

    /// The table.
    const fn parties(self) -> &'static [Party] {
        const ADMINISTRATOR: Party = Party::Role(Role::Administrator);
        const MARKETING: Party = Party::Role(Role::Marketing);
        match self {
            Self::OpenPublicPage | Self::UseDoor => &[Party::Everybody],
            Self::BeCustomer
            | Self::ReadData
            | Self::ReadLooks
            | Self::ProveRows
            | Self::ReadCredentials
            | Self::ChangeCredentials
            | Self::EndSessions
            | Self::ReadGrants
            | Self::ChangeGrants
            | Self::ReadPoints
            | Self::TakeReward
            | Self::ExportData
            | Self::EraseData => &[Party::Owner],
            Self::OpenStaffHome => &[Party::Staff],
            Self::ReadStaff
            | Self::InviteStaff
            | Self::ChangeStaffRole
            | Self::RevokeStaff
            | Self::ReadApiKeys
            | Self::CreateApiKey
            | Self::RevokeApiKey => &[ADMINISTRATOR, Party::Operator],
            Self::ReadDecisions => &[
                ADMINISTRATOR,
                Party::Role(Role::PrivacyOfficer),
                Party::Operator,
            ],
            Self::ReadWebhooks | Self::SendWebhookAgain => {
                &[ADMINISTRATOR, Party::Role(Role::Marketing)]
            }
            Self::AskToJoin => &[Party::System(Scope::Members)],
            Self::FindCustomer => &[Party::System(Scope::Customers)],
            Self::PutField => &[Party::System(Scope::Fields)],
            Self::ReadRewards | Self::ReadAsks => &[
                ADMINISTRATOR,
                MARKETING,
                Party::Role(Role::PrivacyOfficer),
                Party::Operator,
            ],
            Self::ChangeRewards | Self::PauseAsks | Self::CorrectPoints => {
                &[ADMINISTRATOR, MARKETING, Party::Operator]
            }
            Self::AskWhoami => &[Party::System(Scope::Whoami)],
        }
    }

    /// What the key of a system must hold for it; `None` for what no system does.
    pub fn scope(self) -> Option<Scope> {
        self.parties().iter().find_map(|party| match party {
            Party::System(scope) => Some(*scope),
            _ => None,
        })
    }

    /// Whether it is done behind the staff door.
    const fn is_of_staff(self) -> bool {
        matches!(
            self,
            Self::OpenStaffHome
                | Self::ReadStaff
                | Self::InviteStaff
                | Self::ChangeStaffRole
                | Self::RevokeStaff
                | Self::ReadApiKeys
                | Self::CreateApiKey
                | Self::RevokeApiKey
                | Self::ReadDecisions
                | Self::ReadWebhooks
                | Self::SendWebhookAgain
                | Self::ReadRewards
                | Self::ChangeRewards
                | Self::ReadAsks
                | Self::PauseAsks
                | Self::CorrectPoints
        )
    }

    /// In plain words, as the end of "You can …".
    pub const fn words(self) -> &'static str {
        match self {
            Self::OpenPublicPage => "open the pages that everybody sees",
            Self::UseDoor => "sign up and log in",
            Self::BeCustomer => "be this customer",
            Self::ReadData => "see this customer's data",
            Self::ReadLooks => "see who looked at this customer's data",
            Self::ProveRows => "show that data is this customer's",
            Self::ReadCredentials => "see how this customer logs in",
            Self::ChangeCredentials => "change how this customer logs in",
            Self::EndSessions => "log this customer out",
            Self::ReadGrants => "see what this customer allows",
            Self::ChangeGrants => "say yes or no for this customer",
            Self::ReadPoints => "see this customer's points",
            Self::TakeReward => "take a reward for this customer's points",
            Self::ExportData => "take a copy of this customer's data",
            Self::EraseData => "erase this customer's data",
            Self::OpenStaffHome => "come in by the staff door",
            Self::ReadStaff => "see who works here",
            Self::InviteStaff => "invite somebody to work here",
            Self::ChangeStaffRole => "give somebody who works here another role",
            Self::RevokeStaff => "end the way in of somebody who works here",
            Self::ReadApiKeys => "see which systems have a key",
            Self::CreateApiKey => "make a key for one of our systems",
            Self::RevokeApiKey => "end the key of one of our systems",
            Self::ReadDecisions => "see what the staff and our systems did",
            Self::ReadWebhooks => "see what we told the shops of our programmes",
            Self::SendWebhookAgain => "tell the shop of a programme once more",
            Self::AskToJoin => "ask somebody to join a programme",
            Self::FindCustomer => "learn what to call a customer",
            Self::PutField => "keep a value about a customer who said yes",
            Self::ReadRewards => "see which rewards there are",
            Self::ChangeRewards => "add, change and pause rewards, and put codes in",
            Self::ReadAsks => "see how many customers said yes to each question",
            Self::PauseAsks => "pause the questions that we ask",
            Self::CorrectPoints => "put a customer's points right",
            Self::AskWhoami => "ask what a key may do",
        }
    }
}

/// That somebody may do something. Only [`Permit::ask`] makes one, so that whoever holds it was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    action: Action,
}

impl Permit {
    /// Asks the table.
    ///
    /// # Errors
    /// [`Refused`] when it does not give this to the actor.
    pub fn ask(actor: Actor, action: Action) -> Result<Self, Refused> {
        may(actor, action).then_some(Self { action }).ok_or(Refused)
    }

    /// What it is for.
    pub const fn action(self) -> Action {
        self.action
    }
}

/// The table does not give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not allowed")]
pub struct Refused;

/// Who stands behind a decision, as the record of decisions keeps it: ids alone, no name and no address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Decider {
    /// Somebody of the staff, in the role they had then.
    Staff {
        /// Their id.
        id: String,
        /// Their role at that moment.
        role: Role,
    },
    /// A system, by the id of its key.
    System {
        /// The key's id.
        id: String,
    },
    /// Whoever runs the program on its own machine.
    Operator,
}

/// A decision about a permission, or a change that followed, as it stands in the record (ASVS 5.0, 16.3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Who asked.
    pub by: Decider,
    /// What for.
    pub action: Action,
    /// Whether they might.
    pub allowed: bool,
    /// The id of whom or what it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The role that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

impl Decision {
    /// As people read it. `name` knows what a person or a system of that id is called.
    pub fn sentence(&self, name: impl Fn(&str) -> Option<String>) -> String {
        let who = match &self.by {
            Decider::Staff { id, role } => match name(id) {
                Some(name) => format!("{name} ({role})"),
                None => format!("Somebody who is gone ({role})"),
            },
            Decider::System { id } => {
                name(id).unwrap_or_else(|| "A system that is gone".to_owned())
            }
            Decider::Operator => "Whoever runs the portal".to_owned(),
        };
        let answer = if self.allowed { "yes" } else { "no" };
        let about = self.about.as_deref().and_then(&name);
        let about = about.map(|about| format!(": {about}")).unwrap_or_default();
        let role = self
            .role
            .map(|role| format!(", as {role}"))
            .unwrap_or_default();
        format!(
            "{who} asked to {}{about}{role}. The answer was {answer}.",
            self.action.words()
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    /// The table once more, written by what each may do; the other way round than the code has it.
    fn given(actor: Actor) -> Vec<Action> {
        use Action::*;
        let all: &[Action] = match actor {
            Actor::Stranger | Actor::OtherCustomer | Actor::System(None) => &[],
            Actor::Owner => &[
                BeCustomer,
                ReadData,
                ReadLooks,
                ProveRows,
                ReadCredentials,
                ChangeCredentials,
                EndSessions,
                ReadGrants,
                ChangeGrants,
                ReadPoints,
                TakeReward,
                ExportData,
                EraseData,
            ],
            Actor::Staff(Role::Support | Role::Supervisor) => &[OpenStaffHome],
            Actor::Staff(Role::Marketing) => &[
                OpenStaffHome,
                ReadWebhooks,
                SendWebhookAgain,
                ReadRewards,
                ChangeRewards,
                ReadAsks,
                PauseAsks,
                CorrectPoints,
            ],
            Actor::Staff(Role::PrivacyOfficer) => {
                &[OpenStaffHome, ReadDecisions, ReadRewards, ReadAsks]
            }
            Actor::Staff(Role::Administrator) => &[
                OpenStaffHome,
                ReadStaff,
                InviteStaff,
                ChangeStaffRole,
                RevokeStaff,
                ReadApiKeys,
                CreateApiKey,
                RevokeApiKey,
                ReadDecisions,
                ReadWebhooks,
                SendWebhookAgain,
                ReadRewards,
                ChangeRewards,
                ReadAsks,
                PauseAsks,
                CorrectPoints,
            ],
            Actor::System(Some(Scope::Whoami)) => &[AskWhoami],
            Actor::System(Some(Scope::Members)) => &[AskToJoin],
            Actor::System(Some(Scope::Customers)) => &[FindCustomer],
            Actor::System(Some(Scope::Fields)) => &[PutField],
            Actor::Operator => &[
                ReadStaff,
                InviteStaff,
                ChangeStaffRole,
                RevokeStaff,
                ReadApiKeys,
                CreateApiKey,
                RevokeApiKey,
                ReadDecisions,
                ReadRewards,
                ChangeRewards,
                ReadAsks,
                PauseAsks,
                CorrectPoints,
            ],
        };
        [&[OpenPublicPage, UseDoor], all].concat()
    }

    fn actors() -> Vec<Actor> {
        let roles = Role::ALL.map(Actor::Staff);
        let scopes = Scope::ALL.map(|scope| Actor::System(Some(scope)));
        let others = [
            Actor::Stranger,
            Actor::Owner,
            Actor::OtherCustomer,
            Actor::System(None),
            Actor::Operator,
        ];
        others.into_iter().chain(roles).chain(scopes).collect()
    }

    #[test]
    fn all_actions_are_listed_once() {
        let mut listed = Action::ALL.to_vec();
        listed.sort_unstable();
        listed.dedup();
        assert_eq!(listed.len(), Action::ALL.len());
        // The last variant: one more makes this fail until it is listed.
        assert_eq!(Action::ALL.len(), Action::AskWhoami as usize + 1);
    }

    proptest! {
        #[test]
        fn nobody_gets_what_the_table_does_not_give(
            actor in select(actors()),
            action in select(Action::ALL.to_vec()),
        ) {
            let expected = given(actor).contains(&action);
            prop_assert_eq!(may(actor, action), expected);
            prop_assert_eq!(Permit::ask(actor, action).is_ok(), expected);
        }

        #[test]
        fn the_scope_of_a_call_opens_it_and_no_other_does(
            action in select(Action::ALL.to_vec()),
            scope in select(Scope::ALL.to_vec()),
        ) {
            let opens = may(Actor::System(Some(scope)), action) && !may(Actor::Stranger, action);
            prop_assert_eq!(opens, action.scope() == Some(scope));
        }

        #[test]
        fn nobody_but_the_customer_is_taken_for_them_or_touches_how_they_log_in(actor in select(actors())) {
            for action in [
                Action::BeCustomer,
                Action::ReadCredentials,
                Action::ChangeCredentials,
                Action::EndSessions,
                Action::ChangeGrants,
            ] {
                prop_assert_eq!(may(actor, action), actor == Actor::Owner, "{:?}", action);
            }
        }

        #[test]
        fn what_opens_the_staff_door_opens_no_customers_and_the_other_way_round(
            role in select(Role::ALL.to_vec()),
            action in select(Action::ALL.to_vec()),
        ) {
            let both = role.may(action) && may(Actor::Owner, action);
            prop_assert!(!both || may(Actor::Stranger, action), "{:?}", action);
        }
    }

    #[test]
    fn every_pair_of_the_table_is_as_it_is_written_here() {
        for actor in actors() {
            for action in Action::ALL {
                let expected = given(actor).contains(&action);
                assert_eq!(may(actor, action), expected, "{actor:?} {action:?}");
            }
        }
    }

    #[test]
    fn roles_and_scopes_are_read_as_they_are_written() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.key()), Some(role));
        }
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.key()), Some(scope));
        }
        assert_eq!(Role::parse("root"), None);
        assert_eq!(Scope::parse("*"), None);
    }

    #[test]
    fn duties_are_the_tables_in_words_that_are_easy_to_read() {
        let of = |role: Role| role.duties().collect::<Vec<_>>();
        assert_eq!(of(Role::Support), ["come in by the staff door"]);
        assert!(of(Role::Administrator).contains(&"invite somebody to work here"));
        for action in Action::ALL {
            let sentence = format!("You can {}.", action.words());
            assert_eq!(
                crate::reading::is_hard_to_read(&sentence),
                None,
                "{sentence}"
            );
        }
    }
}
