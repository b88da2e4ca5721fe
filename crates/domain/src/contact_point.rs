//! Contact points (schema.org's word): the addresses and numbers at which a person is reached. Who proves one sees what
//! the company holds under it.

use crate::email::{EmailAddress, EmailError};
use crate::phone::{HomeCountry, PhoneError, PhoneNumber};

/// So many contact points one customer has at most, beside the address that they log in with: each is looked for in all
/// connected systems.
pub const MOST: usize = 10;

/// What kind of contact point it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
}

impl Kind {
    /// As it is stored, and as a form says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Email, Self::Phone]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }

    /// The kind of a field that a catalog calls an identity (Fides: `fides_meta.identity`).
    pub fn of_identity(identity: &str) -> Option<Self> {
        match identity {
            "email" => Some(Self::Email),
            "phone" | "phone_number" => Some(Self::Phone),
            _ => None,
        }
    }
}

/// An e-mail address or a phone number, in its normal form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ContactPoint {
    /// An e-mail address.
    Email(EmailAddress),
    /// A phone number.
    Phone(PhoneNumber),
}

/// Why a text is no contact point. The words are for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContactError {
    /// No e-mail address.
    #[error(transparent)]
    Email(#[from] EmailError),
    /// No phone number.
    #[error(transparent)]
    Phone(#[from] PhoneError),
}

impl ContactPoint {
    /// Reads one as a person types it. A number without a country's code is of `home`.
    pub fn parse(kind: Kind, text: &str, home: Option<HomeCountry>) -> Result<Self, ContactError> {
        Ok(match kind {
            Kind::Email => Self::Email(EmailAddress::parse(text)?),
            Kind::Phone => Self::Phone(PhoneNumber::parse(text, home)?),
        })
    }

    /// Which kind it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Email(_) => Kind::Email,
            Self::Phone(_) => Kind::Phone,
        }
    }

    /// The address or number itself. It is personal: seal it, and keep it out of logs and URLs.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(address) => address.as_str(),
            Self::Phone(number) => number.as_str(),
        }
    }

    /// Whether a text in a connected system is this one: both in their normal form, byte by byte. A number without a
    /// country's code is of `home`.
    pub fn is(&self, text: &str, home: Option<HomeCountry>) -> bool {
        match self {
            Self::Email(address) => EmailAddress::normalise(text) == address.as_str(),
            Self::Phone(number) => number.is(text, home),
        }
    }
}

impl From<EmailAddress> for ContactPoint {
    fn from(address: EmailAddress) -> Self {
        Self::Email(address)
    }
}

/// All contact points that one person proved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactPoints {
    points: Vec<ContactPoint>,
    home: Option<HomeCountry>,
}

impl ContactPoints {
    /// These, of the customer of a company whose systems hold the numbers of `home` without a country's code.
    pub const fn new(points: Vec<ContactPoint>, home: Option<HomeCountry>) -> Self {
        Self { points, home }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &ContactPoint> {
        self.points.iter()
    }

    /// Those of a kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &ContactPoint> {
        self.points.iter().filter(move |point| point.kind() == kind)
    }

    /// Those of a kind, alone.
    #[must_use]
    pub fn only(&self, kind: Kind) -> Self {
        Self::new(self.of(kind).cloned().collect(), self.home)
    }

    /// Whether a text of that kind in a connected system is one of them.
    pub fn hold(&self, kind: Kind, text: &str) -> bool {
        self.of(kind).any(|point| point.is(text, self.home))
    }

    /// Whether a text is one of them, of whatever kind.
    pub fn hold_any(&self, text: &str) -> bool {
        self.points.iter().any(|point| point.is(text, self.home))
    }
}

impl From<EmailAddress> for ContactPoints {
    fn from(address: EmailAddress) -> Self {
        Self::new(vec![address.into()], None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_as_it_was_written() {
        for kind in [Kind::Email, Kind::Phone] {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
            assert_eq!(Kind::of_identity(kind.as_str()), Some(kind));
        }
        assert_eq!(Kind::of_identity("phone_number"), Some(Kind::Phone));
        assert_eq!(Kind::of_identity("ljt_readerID"), None);
    }

    #[test]
    fn an_address_is_no_number_and_the_other_way_round() {
        assert!(ContactPoint::parse(Kind::Phone, "ada@example.com", None).is_err());
        assert!(ContactPoint::parse(Kind::Email, "+353871234567", None).is_err());
    }
}
