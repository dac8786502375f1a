//! Paths of volumes: `/Volumes/<catalog>/<schema>/<volume>/<folder>/.../<file>`, checked before anything touches a disk.
//!
//! A path that parses has only plain names between its slashes, so no part of it can mean another place than the one it
//! names. What the names stand for on the disk, symbolic links for example, is [`super::folder`]'s business.

use std::fmt;

use super::FileError;
use crate::model::TableName;

/// The longest path, as POSIX has it.
const PATH_BYTES: usize = 4096;
/// The longest name of one file or folder, as most file systems have it.
const NAME_BYTES: usize = 255;

/// A place in a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumePath {
    volume: TableName,
    names: Vec<String>,
}

impl VolumePath {
    /// Reads `/Volumes/c/s/v/...`, decoded from a URL's percent signs once or never. Catalog, schema and volume are
    /// folded to lower case as Unity Catalog does, the rest stays as it is. One slash at the end is allowed.
    ///
    /// # Errors
    /// [`FileError::BadPath`] with what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let bad = |problem: &'static str| FileError::BadPath { path: text.chars().take(200).collect(), problem };
        if text.len() > PATH_BYTES {
            return Err(bad("a path has at most 4096 bytes"));
        }
        let inner = text.strip_suffix('/').unwrap_or(text);
        let Some(inner) = inner.strip_prefix("/Volumes/") else {
            return Err(bad("a path begins with /Volumes/<catalog>/<schema>/<volume>"));
        };
        let names: Vec<&str> = inner.split('/').collect();
        if let Some(problem) = names.iter().find_map(|name| name_problem(name)) {
            return Err(bad(problem));
        }
        let [catalog, schema, volume, rest @ ..] = &names[..] else {
            return Err(bad("a path begins with /Volumes/<catalog>/<schema>/<volume>"));
        };
        let volume = TableName::parse(&format!("{catalog}.{schema}.{volume}"));
        let volume = volume.map_err(|_| bad("the catalog, schema or volume is no name"))?;
        Ok(Self { volume, names: rest.iter().map(|name| (*name).to_owned()).collect() })
    }

    /// `catalog.schema.volume`
    pub fn volume(&self) -> &TableName {
        &self.volume
    }

    /// Folders and at last the file, below the volume; empty for the volume itself.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The folder it is in and its name there; `None` for the volume itself.
    pub fn split_last(&self) -> Option<(Self, &str)> {
        let (last, folders) = self.names.split_last()?;
        Some((Self { volume: self.volume.clone(), names: folders.to_vec() }, last))
    }

    /// The place of that relative path below this one.
    ///
    /// # Errors
    /// [`FileError::BadPath`] as [`VolumePath::parse`].
    pub fn join(&self, relative: &str) -> Result<Self, FileError> {
        Self::parse(&format!("{self}/{relative}"))
    }
}

impl fmt::Display for VolumePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/Volumes/{}/{}/{}", self.volume.catalog(), self.volume.schema(), self.volume.table())?;
        self.names.iter().try_for_each(|name| write!(f, "/{name}"))
    }
}

fn name_problem(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("there is an empty name between two slashes")
    } else if name == "." || name == ".." {
        Some("'.' and '..' are not names")
    } else if name.len() > NAME_BYTES {
        Some("a name has at most 255 bytes")
    } else if name.contains('\\') {
        Some("a backslash is not part of a name")
    } else if name.chars().any(char::is_control) {
        Some("a control character is not part of a name")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn a_path_reads_as_it_is_written() {
        for (text, shown, names) in [
            ("/Volumes/main/s/v", "/Volumes/main/s/v", 0),
            ("/Volumes/main/s/v/", "/Volumes/main/s/v", 0),
            ("/Volumes/Main/S/V/Folder/File.JSON", "/Volumes/main/s/v/Folder/File.JSON", 2),
            ("/Volumes/main/s/v/a b/ü/%2e%2e/..x/x..", "/Volumes/main/s/v/a b/ü/%2e%2e/..x/x..", 5),
        ] {
            let path = VolumePath::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((path.to_string().as_str(), path.names().len()), (shown, names), "{text}");
        }
        let path = VolumePath::parse("/Volumes/main/s/v/a/b").expect("path");
        assert_eq!(path.split_last().map(|(folder, name)| (folder.to_string(), name.to_owned())), {
            Some(("/Volumes/main/s/v/a".to_owned(), "b".to_owned()))
        });
        assert!(path.join("../c").is_err() && path.join("/c").is_err());
    }

    #[test]
    fn what_could_mean_another_place_is_refused() {
        let long = format!("/Volumes/main/s/v/{}", "x".repeat(256));
        let longer = format!("/Volumes/main/s/v/{}", "x/".repeat(2100));
        for text in [
            "",
            "/",
            "/Volumes",
            "/Volumes/",
            "/Volumes/main",
            "/Volumes/main/s",
            "/Volumes/main/s/",
            "Volumes/main/s/v/a",
            "/volumes/main/s/v/a",
            "//Volumes/main/s/v/a",
            "/etc/passwd",
            "/Volumes/main/s/v/..",
            "/Volumes/main/s/v/../../../../etc/passwd",
            "/Volumes/main/s/v/a/../b",
            "/Volumes/main/s/../v/a",
            "/Volumes/../../etc",
            "/Volumes/main/./v/a",
            "/Volumes/main/s/v/.",
            "/Volumes/main/s/v//a",
            "/Volumes/main/s/v/a//",
            "/Volumes/main/s/v/a\0b",
            "/Volumes/main/s/v/a\nb",
            "/Volumes/main/s/v/..\\..\\a",
            "/Volumes/main/s/v\\..\\x/a",
            "/Volumes/.dropped/s/v/a",
            "/Volumes/main/s/v.x/a",
            "/Volumes/main/%2e%2e/v/a",
            &long,
            &longer,
        ] {
            assert!(matches!(VolumePath::parse(text), Err(FileError::BadPath { .. })), "{text:?}");
        }
    }

    /// Whatever parses stays below its volume when its names are put after one another.
    #[test]
    fn random_paths_never_leave_their_volume() {
        const PIECES: [&str; 16] =
            ["..", ".", "/", "//", "\\", "%2e", "%2f", "a", "B", "\0", "ü", " ", "...", "~", "/Volumes/", "main"];
        let mut random = StdRng::seed_from_u64(7);
        let mut taken = 0;
        for _ in 0..20_000 {
            let length = random.random_range(0..8);
            let tail: String = (0..length).map(|_| PIECES[random.random_range(0..PIECES.len())]).collect();
            let Ok(path) = VolumePath::parse(&format!("/Volumes/main/s/v/{tail}")) else { continue };
            taken += 1;
            let joined = path.names().iter().fold(std::path::PathBuf::from("/root/v"), |at, name| at.join(name));
            let plain = joined
                .components()
                .all(|part| matches!(part, std::path::Component::RootDir | std::path::Component::Normal(_)));
            assert!(plain && joined.starts_with("/root/v"), "{tail:?} became {}", joined.display());
            assert_eq!(joined.components().count(), 3 + path.names().len(), "{tail:?}");
            assert_eq!(VolumePath::parse(&path.to_string()).expect("again"), path);
        }
        assert!(taken > 1000, "only {taken} paths parsed, the test says little");
    }
}
