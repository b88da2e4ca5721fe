//! Looks, no rules: the document around a page, form fields, notices.

pub mod answer;
pub mod contact;
pub mod field;
pub mod layout;
