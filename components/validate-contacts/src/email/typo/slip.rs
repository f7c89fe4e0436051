//! Slips of the hand: what fingers do to a word, as opposed to what makes another word.

/// Rows of keys in the layouts QWERTY, QWERTZ and AZERTY; each key lies beside those before and after it, and, one row
/// on, beside those at its own place and the one before.
const LAYOUTS: [[&str; 4]; 3] = [
    ["1234567890-", "qwertyuiop", "asdfghjkl", "zxcvbnm"],
    ["1234567890-", "qwertzuiop", "asdfghjkl", "yxcvbnm"],
    ["1234567890-", "azertyuiop", "qsdfghjklm", "wxcvbn"],
];
/// Letters that look or sound alike.
const ALIKE: [&str; 6] = ["aeiouy", "il1j", "o0", "s5z", "ckq", "mn"];

/// How many slips make `typed` of `meant`, at most `most`; none if that takes more, or another letter.
/// A swap of two neighbours counts as one. Letters are missed or added, not both: that makes another word.
pub(super) fn count(typed: &str, meant: &str, most: usize) -> Option<usize> {
    // Side by side, these look like one letter.
    let as_read = typed.replace("rn", "m").replace("vv", "w");
    let misread = usize::from(as_read != typed);
    let read = (misread > 0).then_some((as_read.as_str(), misread));
    let slips = [(typed, 0)]
        .into_iter()
        .chain(read)
        .filter(|(typed, _)| typed.len().abs_diff(meant.len()) <= most)
        .flat_map(|(typed, misread)| {
            [Length::Shorter, Length::Longer]
                .into_iter()
                .filter_map(move |it| Some(misread + slips(typed, meant, it, most)?))
        })
        .min()?;
    (slips <= most).then_some(slips)
}

/// What slips do to the length of a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Shorter,
    Longer,
}

/// The fewest slips between two words (optimal string alignment), if they are no more than `most`. Every contact is compared with
/// many words, so what cannot be within that is not looked at.
fn slips(typed: &str, meant: &str, length: Length, most: usize) -> Option<usize> {
    let (typed, meant) = (typed.as_bytes(), meant.as_bytes());
    let mut table = vec![None; (typed.len() + 1) * (meant.len() + 1)];
    let at = |i: usize, j: usize| i * (meant.len() + 1) + j;
    for i in 0..=typed.len() {
        for j in 0..=meant.len() {
            let one_more = |before: Option<usize>| before.filter(|it| *it < most).map(|it| it + 1);
            let mut ways = [(i == 0 && j == 0).then_some(0), None, None, None];
            if j > 0 && length == Length::Shorter {
                ways[1] = one_more(table[at(i, j - 1)]);
            }
            if i > 0 && length == Length::Longer {
                ways[1] = one_more(table[at(i - 1, j)]).filter(|_| is_stray(typed, i - 1));
            }
            if i > 0 && j > 0 {
                let (a, b) = (typed[i - 1], meant[j - 1]);
                let before = table[at(i - 1, j - 1)];
                ways[2] = match a == b {
                    true => before,
                    false => one_more(before).filter(|_| are_confused(a, b)),
                };
                if i > 1 && j > 1 && (a, b) == (meant[j - 2], typed[i - 2]) {
                    ways[3] = one_more(table[at(i - 2, j - 2)]);
                }
            }
            table[at(i, j)] = ways.into_iter().flatten().min();
        }
    }
    table[at(typed.len(), meant.len())]
}

/// A letter too many is a slip if the finger was there already or beside it, or if it came after the word.
fn is_stray(typed: &[u8], at: usize) -> bool {
    let beside = |other: Option<&u8>| {
        other.is_some_and(|it| *it == typed[at] || are_adjacent(*it, typed[at]))
    };
    let before = at.checked_sub(1).and_then(|it| typed.get(it));
    at + 1 == typed.len() || beside(before) || beside(typed.get(at + 1))
}

fn are_confused(a: u8, b: u8) -> bool {
    let alike = |it: &&str| it.as_bytes().contains(&a) && it.as_bytes().contains(&b);
    are_adjacent(a, b) || ALIKE.iter().any(alike)
}

fn are_adjacent(a: u8, b: u8) -> bool {
    let place = |layout: &[&str; 4], key: u8| {
        layout
            .iter()
            .enumerate()
            .find_map(|(row, keys)| Some((row, keys.bytes().position(|it| it == key)?)))
    };
    LAYOUTS.iter().any(|layout| {
        let (Some((row_a, at_a)), Some((row_b, at_b))) = (place(layout, a), place(layout, b))
        else {
            return false;
        };
        match row_b.abs_diff(row_a) {
            0 => at_a.abs_diff(at_b) == 1,
            1 if row_a < row_b => at_a == at_b || at_a == at_b + 1,
            1 => at_b == at_a || at_b == at_a + 1,
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_hand_are_told_from_other_words() {
        let check = |typed: &str, meant: &str, most: usize, expected: bool| {
            assert_eq!(count(typed, meant, most).is_some(), expected, "{typed}");
        };
        for typed in [
            "gmial", "gmal", "gmaill", "gnail", "gmaii", "gmall", "gmaila", "gmeil", "grnail",
            "fmail",
        ] {
            check(typed, "gmail", 1, true);
        }
        for typed in ["gmsail", "gmaikl"] {
            check(typed, "gmail", 1, true);
        }
        for typed in ["grail", "gtail", "gmaxx", "gman", "gemmail", "gomail"] {
            check(typed, "gmail", 1, false);
        }
        for typed in ["hotmial", "hotmmaill", "hitmal", "hotamil"] {
            check(typed, "hotmail", 2, true);
        }
        for typed in ["hotrail", "hotdeal", "hotmx", "hostmail"] {
            check(typed, "hotmail", 2, false);
        }
        for typed in ["onlook", "outloud", "outbook", "overlook"] {
            check(typed, "outlook", 2, false);
        }
        check("outllok", "outlook", 2, true);
    }
}
