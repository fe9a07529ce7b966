//! Ids of sessions. Tools name their sessions as they like; the hub knows them
//! by UUIDs, which must not meet those of other machines.

use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use uuid::Uuid;

const FILE: &str = "installation";

/// Turns any id into a UUID, always into the same one.
#[derive(Clone, Copy, Debug)]
pub struct SessionIds {
    installation: Uuid,
}

impl SessionIds {
    /// Of this installation, which is given a number of its own at its first start.
    ///
    /// # Errors
    /// Where the number can neither be read nor written.
    pub fn of_installation(state_dir: &Path) -> io::Result<Self> {
        let file = state_dir.join(FILE);
        let known = match std::fs::read_to_string(&file) {
            Ok(text) => text.trim().parse().ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let installation = match known {
            Some(installation) => installation,
            None => {
                let new = Uuid::new_v4();
                let mut options = std::fs::OpenOptions::new();
                let mut made = options
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .mode(0o600)
                    .open(&file)?;
                io::Write::write_all(&mut made, format!("{new}\n").as_bytes())?;
                made.sync_all()?;
                new
            }
        };
        Ok(Self { installation })
    }

    /// A UUID stays as it is; every other text becomes one.
    pub fn uuid(&self, id: &str) -> String {
        let uuid =
            Uuid::try_parse(id).unwrap_or_else(|_| Uuid::new_v5(&self.installation, id.as_bytes()));
        uuid.hyphenated().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::SessionIds;

    #[test]
    fn one_id_is_one_session_here_and_another_elsewhere() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let ids = SessionIds::of_installation(here.path()).unwrap();
        let again = SessionIds::of_installation(here.path()).unwrap();
        let other = SessionIds::of_installation(there.path()).unwrap();
        assert_eq!(ids.uuid("run 1"), again.uuid("run 1"));
        assert_ne!(ids.uuid("run 1"), ids.uuid("run 2"));
        assert_ne!(ids.uuid("run 1"), other.uuid("run 1"));
        let uuid = "0190C8B2-0000-7000-8000-000000000000";
        assert_eq!(ids.uuid(uuid), uuid.to_lowercase());
        assert_eq!(ids.uuid(&ids.uuid("run 1")), ids.uuid("run 1"));
    }
}
