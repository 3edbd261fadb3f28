// SPDX-License-Identifier: GPL-2.0

//! The module's logic, free of the kernel, so that its tests run on the machine that builds it:
//! `rustc --edition 2021 --test logic.rs && ./logic`, which `make lint` does.

/// More greetings would only fill the log.
pub(crate) const MAX_GREETINGS: u8 = 9;

/// How many times to greet, or [`None`] where `asked` is outside 1 to [`MAX_GREETINGS`].
pub(crate) fn greetings(asked: u8) -> Option<u8> {
    (1..=MAX_GREETINGS).contains(&asked).then_some(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_is_in_range() {
        assert_eq!(greetings(1), Some(1));
        assert_eq!(greetings(MAX_GREETINGS), Some(MAX_GREETINGS));
    }

    #[test]
    fn refuses_what_is_out_of_range() {
        assert_eq!(greetings(0), None);
        assert_eq!(greetings(MAX_GREETINGS + 1), None);
        assert_eq!(greetings(u8::MAX), None);
    }
}
