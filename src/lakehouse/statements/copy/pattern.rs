//! The glob patterns of `COPY INTO`: `*`, `?`, `[abc]`, `[a-z]`, `[^a]`, `{one,other}`, and `\` before any of these.
//!
//! Nothing but a `/` matches a `/`. Matching goes back to the last star only, so that no pattern takes long.

/// The most patterns that braces may stand for.
const ALTERNATIVES: usize = 100;

/// A pattern that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// One matches or none does.
    alternatives: Vec<Vec<Part>>,
    /// Whether it is about a path and not about a name.
    pub(super) has_folders: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Letter(char),
    /// `?`
    Any,
    /// `*`
    Star,
    /// First and last letters, and whether they are the ones that do not match.
    Class(Vec<(char, char)>, bool),
}

impl Pattern {
    /// # Errors
    /// What is wrong with the text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut alternatives = vec![Vec::new()];
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            let parts = match letter {
                '{' => braces(&mut letters)?,
                '}' | ']' => {
                    return Err(format!("'{letter}' has nothing that it closes; write \\{letter} for the letter"));
                }
                other => vec![vec![part(other, &mut letters)?]],
            };
            if alternatives.len() * parts.len() > ALTERNATIVES {
                return Err(format!("its braces stand for more than {ALTERNATIVES} patterns"));
            }
            alternatives = alternatives
                .iter()
                .flat_map(|before| parts.iter().map(|after| [&before[..], after].concat()))
                .collect();
        }
        let has_folders = alternatives.iter().flatten().any(|part| *part == Part::Letter('/'));
        Ok(Self { alternatives, has_folders })
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        self.alternatives.iter().any(|parts| matches(parts, &text))
    }
}

fn part(letter: char, rest: &mut std::str::Chars<'_>) -> Result<Part, String> {
    Ok(match letter {
        '*' => Part::Star,
        '?' => Part::Any,
        '[' => class(rest)?,
        '\\' => Part::Letter(rest.next().ok_or("it ends with a '\\'")?),
        other => Part::Letter(other),
    })
}

fn braces(rest: &mut std::str::Chars<'_>) -> Result<Vec<Vec<Part>>, String> {
    let mut alternatives = vec![Vec::new()];
    loop {
        match rest.next().ok_or("a '{' is not closed")? {
            '}' => return Ok(alternatives),
            ',' => alternatives.push(Vec::new()),
            '{' => return Err("braces cannot be in braces".to_owned()),
            letter => {
                let part = part(letter, rest)?;
                alternatives.last_mut().ok_or("a '{' is not closed")?.push(part);
            }
        }
    }
}

fn class(rest: &mut std::str::Chars<'_>) -> Result<Part, String> {
    let open = "a '[' is not closed";
    let mut ranges: Vec<(char, char)> = Vec::new();
    let mut letter = rest.next().ok_or(open)?;
    let negated = matches!(letter, '^' | '!');
    if negated {
        letter = rest.next().ok_or(open)?;
    }
    loop {
        match letter {
            ']' if ranges.is_empty() => return Err("there is nothing between '[' and ']'".to_owned()),
            ']' => return Ok(Part::Class(ranges, negated)),
            '\\' => {
                let escaped = rest.next().ok_or(open)?;
                ranges.push((escaped, escaped));
            }
            '-' if !ranges.is_empty() => {
                let last = rest.next().ok_or(open)?;
                let first = ranges.pop().map_or(last, |(first, _)| first);
                if last == ']' || first > last {
                    return Err("a range in '[...]' is empty".to_owned());
                }
                ranges.push((first, last));
            }
            other => ranges.push((other, other)),
        }
        letter = rest.next().ok_or(open)?;
    }
}

fn matches(parts: &[Part], text: &[char]) -> bool {
    let (mut at, mut part) = (0, 0);
    // Where the last star is, and how far it reaches.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() || part < parts.len() {
        match (parts.get(part), text.get(at)) {
            (Some(Part::Star), _) => {
                star = Some((part, at));
                part += 1;
            }
            (Some(one), Some(letter)) if matches_one(one, *letter) => {
                at += 1;
                part += 1;
            }
            _ => {
                // The star takes one letter more, which is never the end of a folder's name.
                let Some((star_part, reach)) = star else { return false };
                if text.get(reach).is_none_or(|letter| *letter == '/') {
                    return false;
                }
                star = Some((star_part, reach + 1));
                (part, at) = (star_part + 1, reach + 1);
            }
        }
    }
    true
}

fn matches_one(part: &Part, letter: char) -> bool {
    match part {
        Part::Letter(expected) => *expected == letter,
        Part::Any => letter != '/',
        Part::Star => false,
        Part::Class(ranges, negated) => {
            letter != '/' && ranges.iter().any(|(first, last)| (*first..=*last).contains(&letter)) != *negated
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn patterns_match_as_globs_do() {
        for (pattern, text, expected) in [
            ("*.json", "a.json", true),
            ("*.json", ".json", true),
            ("*.json", "a.json.gz", false),
            ("*.json", "folder/a.json", false),
            ("*/*.json", "folder/a.json", true),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("part-[0-9][0-9].csv", "part-07.csv", true),
            ("part-[0-9][0-9].csv", "part-7.csv", false),
            ("[^a-c]x", "dx", true),
            ("[!a-c]x", "ax", false),
            ("[^a]x", "/x", false),
            ("{a,bc}.{json,csv}", "bc.csv", true),
            ("{a,bc}.{json,csv}", "b.csv", false),
            ("a{,b}", "a", true),
            (r"\*\{\[", "*{[", true),
            (r"\*", "a", false),
            ("**a*b*", "xxaxxb", true),
            ("", "", true),
            ("*", "", true),
            ("ü*", "üx", true),
        ] {
            let parsed = Pattern::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(parsed.matches(text), expected, "{pattern} and {text}");
        }
        for bad in ["[", "[a", "[]", "[b-a]", "{a", "a}", "]", "\\", "{a{b}}", &"{a,b,c,d,e,f,g,h,i,j,k}".repeat(2)] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }

    /// The slow and simple way gives the same answers.
    #[test]
    fn matching_is_the_same_as_trying_everything() {
        fn slowly(parts: &[Part], text: &[char]) -> bool {
            match parts.split_first() {
                None => text.is_empty(),
                Some((Part::Star, rest)) => {
                    slowly(rest, text)
                        || (text.first().is_some_and(|letter| *letter != '/') && slowly(parts, &text[1..]))
                }
                Some((part, rest)) => {
                    text.first().is_some_and(|letter| matches_one(part, *letter)) && slowly(rest, &text[1..])
                }
            }
        }
        let mut random = StdRng::seed_from_u64(3);
        let mut pick = |from: &[char], most: usize| -> String {
            (0..random.random_range(0..most)).map(|_| from[random.random_range(0..from.len())]).collect()
        };
        let mut found = 0;
        for _ in 0..50_000 {
            let (pattern, text) = (pick(&['a', 'b', '*', '?', '/'], 8), pick(&['a', 'b', '/'], 8));
            let parsed = Pattern::parse(&pattern).expect("no brackets");
            let letters: Vec<char> = text.chars().collect();
            assert_eq!(parsed.matches(&text), slowly(&parsed.alternatives[0], &letters), "{pattern} and {text}");
            found += usize::from(parsed.matches(&text));
        }
        assert!(found > 1000, "{found}");
    }
}
