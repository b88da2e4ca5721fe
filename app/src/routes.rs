//! The route table, and nothing else.

use axum::Router;
use axum::routing::{get, post};

use crate::pages::{
    account, accounts, certificates, delete, demo, download, home, join, my_data, not_found,
    permissions, rewards, second_fact, share, staff, who_looked,
};
use crate::state::AppState;

/// Every page of the portal.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(home::page))
        .route(
            "/sign-up",
            get(accounts::sign_up::page).post(accounts::sign_up::submit),
        )
        .route(
            "/forgot-password",
            get(accounts::forgot::page).post(accounts::forgot::submit),
        )
        .route("/check-your-mail", get(accounts::check_your_mail::page))
        .route(
            "/set-password/{token}",
            get(accounts::set_password::page).post(accounts::set_password::submit),
        )
        .route(
            "/log-in",
            get(accounts::log_in::page).post(accounts::log_in::submit),
        )
        .route(
            "/log-in/code",
            get(accounts::code::page).post(accounts::code::submit),
        )
        .route(
            "/log-in/passkey",
            get(accounts::passkey::page).post(accounts::passkey::begin),
        )
        .route("/log-in/passkey/answer", post(accounts::passkey::submit))
        .route(
            "/not-me/{token}",
            get(accounts::not_me::page).post(accounts::not_me::submit),
        )
        .route("/log-out", post(accounts::log_in::log_out))
        .route(
            "/still-you",
            get(accounts::still_you::page).post(accounts::still_you::submit),
        )
        .merge(ways_in())
        .route("/my-data", get(my_data::page).post(my_data::submit))
        .route(
            "/my-data/{dataset}/{collection}",
            get(my_data::list::page).post(my_data::list::submit),
        )
        .route(
            "/is-it-you/{dataset}",
            get(second_fact::page).post(second_fact::submit),
        )
        .route(
            "/permissions",
            get(permissions::page).post(permissions::submit),
        )
        .route("/permissions/receipt/{number}", get(permissions::receipt))
        .route("/share", get(share::page))
        .route("/share/{ask}", get(share::picked).post(share::submit))
        .route(
            "/change/{field}",
            get(share::change::page).post(share::change::submit),
        )
        .route("/join/{programme}", get(join::page).post(join::submit))
        .route(
            "/joining/{token}",
            get(join::link::page).post(join::link::submit),
        )
        .route("/rewards", get(rewards::page).post(rewards::submit))
        .route("/rewards/taken/{redemption}", get(rewards::taken))
        .route("/who-looked", get(who_looked::page))
        .route("/download", get(download::page).post(download::submit))
        .route("/download/{id}", get(download::file))
        .route("/delete", get(delete::page).post(delete::submit))
        .route(
            "/certificates",
            get(certificates::page).post(certificates::submit),
        )
        .route("/certificates/{erasure}", get(certificates::one))
        .merge(behind_the_staff_door())
        .route("/demo/outbox", get(demo::outbox))
        .route("/act/{*name}", post(my_data::act))
        .fallback(not_found)
}

/// What may stand in a frame of the company's own pages. It knows no session.
pub fn embeddable() -> Router<AppState> {
    Router::new().route(
        "/join/{programme}/embed",
        get(join::embed::page).post(join::embed::submit),
    )
}

/// How a customer gets in, and where they are logged in.
fn ways_in() -> Router<AppState> {
    Router::new()
        .route("/account", get(account::page))
        .route(
            "/account/app",
            get(account::app_codes::page).post(account::app_codes::begin),
        )
        .route(
            "/account/app/new",
            get(account::app_codes::new).post(account::app_codes::keep),
        )
        .route(
            "/account/app/off",
            get(account::back).post(account::app_codes::off),
        )
        .route(
            "/account/recovery-codes",
            get(account::recovery_codes::page).post(account::recovery_codes::renew),
        )
        .route(
            "/account/recovery-codes/kept",
            get(account::back).post(account::recovery_codes::kept),
        )
        .route(
            "/account/passkeys",
            get(account::passkeys::page).post(account::passkeys::begin),
        )
        .route(
            "/account/passkeys/new",
            get(account::passkeys::new).post(account::passkeys::keep),
        )
        .route(
            "/account/passkeys/name",
            get(account::back).post(account::passkeys::rename),
        )
        .route(
            "/account/passkeys/off",
            get(account::back).post(account::passkeys::remove),
        )
        .route(
            "/account/devices",
            get(account::devices::page).post(account::devices::submit),
        )
        .merge(contacts())
        .route(
            "/account/password",
            get(account::password::page).post(account::password::submit),
        )
}

/// The addresses and numbers of a customer.
fn contacts() -> Router<AppState> {
    Router::new()
        .route(
            "/account/contacts",
            get(account::contacts::page).post(account::contacts::add),
        )
        .route(
            "/account/contacts/code/{id}",
            get(account::contacts::code).post(account::contacts::prove),
        )
        .route(
            "/account/contacts/again",
            get(account::back).post(account::contacts::send_again),
        )
        .route(
            "/account/contacts/take-over",
            get(account::back).post(account::contacts::take_over),
        )
        .route(
            "/account/contacts/log-in",
            get(account::back).post(account::contacts::log_in_with),
        )
        .route(
            "/account/contacts/off",
            get(account::back).post(account::contacts::remove),
        )
}

/// The pages of the staff.
fn behind_the_staff_door() -> Router<AppState> {
    Router::new()
        .route("/staff", get(staff::home))
        .route(
            "/staff/log-in",
            get(staff::log_in::page).post(staff::log_in::submit),
        )
        .route(
            "/staff/code",
            get(staff::code::page).post(staff::code::submit),
        )
        .route(
            "/staff/join/{token}",
            get(staff::join::page).post(staff::join::submit),
        )
        .route("/staff/log-out", post(staff::log_in::log_out))
        .route(
            "/staff/people",
            get(staff::people::page).post(staff::people::invite),
        )
        .route(
            "/staff/keys",
            get(staff::keys::page).post(staff::keys::create),
        )
        .route("/staff/webhooks", get(staff::webhooks::page))
        .route("/staff/webhooks/again", post(staff::webhooks::again))
        .route("/staff/decisions", get(staff::decisions::page))
        .route("/staff/keys/end", post(staff::keys::end))
        .route("/staff/people/role", post(staff::people::change_role))
        .route("/staff/people/revoke", post(staff::people::revoke))
        .merge(what_the_staff_plan())
}

/// The pages of the staff about rewards, asks and points.
fn what_the_staff_plan() -> Router<AppState> {
    Router::new()
        .route(
            "/staff/rewards",
            get(staff::rewards::page).post(staff::rewards::add),
        )
        .route(
            "/staff/rewards/{reward}",
            get(staff::rewards::one).post(staff::rewards::change),
        )
        .route("/staff/rewards/{reward}/pause", post(staff::rewards::pause))
        .route(
            "/staff/asks",
            get(staff::asks::page).post(staff::asks::pause),
        )
        .route(
            "/staff/points",
            get(staff::points::page).post(staff::points::correct),
        )
}

/// Forms into which long lists are pasted. The server takes larger ones here than anywhere else.
pub fn long_forms() -> Router<AppState> {
    Router::new().route(
        "/staff/rewards/{reward}/codes",
        post(staff::rewards::put_codes_in),
    )
}
