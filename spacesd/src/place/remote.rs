//! One name for a repository, however its remote is written.

/// `github.com/acme/app` from any way of writing a remote: without scheme, user,
/// port and `.git`, with the host in lower case. None for a path on this
/// machine: it means nothing to others, and is nobody's business.
pub(super) fn normalised(url: &str) -> Option<String> {
    let url = url.trim();
    let (authority, path) = match url.split_once("://") {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("file") => return None,
        Some((_, rest)) => rest.split_once('/')?,
        // The short form of ssh, `git@host:path`; a colon after a slash is part
        // of a path.
        None => {
            let (authority, path) = url.split_once(':')?;
            if authority.contains('/') || authority.len() < 2 {
                return None;
            }
            (authority, path)
        }
    };
    let host_and_port = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = match host_and_port.strip_prefix('[') {
        Some(ipv6) => ipv6.split_once(']')?.0,
        None => host_and_port
            .split_once(':')
            .map_or(host_and_port, |(host, _)| host),
    };
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let path = path.trim_matches('/');
    let path = path
        .strip_suffix(".git")
        .unwrap_or(path)
        .trim_end_matches('/');
    if host.is_empty() || path.is_empty() {
        return None;
    }
    Some(format!("{}/{path}", host.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn every_way_of_writing_a_remote_gives_one_name() {
        for url in [
            "https://github.com/acme/app",
            "https://github.com/acme/app.git",
            "https://GitHub.com/acme/app.git/",
            "https://user:secret@github.com:443/acme/app.git",
            "http://github.com//acme/app?ref=x",
            "ssh://git@github.com/acme/app.git",
            "ssh://git@github.com:22/acme/app",
            "git://github.com/acme/app",
            "git@github.com:acme/app.git",
            "github.com:acme/app",
            "git@github.com:/acme/app.git",
            " git+ssh://git@github.com/acme/app \n",
        ] {
            assert_eq!(
                normalised(url).as_deref(),
                Some("github.com/acme/app"),
                "{url}"
            );
        }
        assert_eq!(
            normalised("ssh://git@[2001:DB8::1]:2222/a/B.git").as_deref(),
            Some("2001:db8::1/a/B")
        );
        assert_eq!(
            normalised("https://gitlab.example/a/b/c.git").as_deref(),
            Some("gitlab.example/a/b/c")
        );
    }

    #[test]
    fn a_path_on_this_machine_is_no_name() {
        for url in [
            "/srv/git/app.git",
            "../app",
            "./a:b",
            "file:///srv/app",
            "app",
            "",
            "C:/x",
        ] {
            assert_eq!(normalised(url), None, "{url}");
        }
    }
}
