//! What git says of one working tree or bare repository.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use spaces_api::model::Context;
use spaces_domain::limits::{BRANCH_CHARS, PATH_CHARS, PATHS, REPO_CHARS};

use super::git::{self, Said};
use super::remote;

/// Where a repository lies.
pub(super) struct Repository {
    /// Of this working tree: HEAD and index are here.
    pub git_dir: PathBuf,
    /// Of all its working trees: references and configuration are here.
    pub common_dir: PathBuf,
    /// None for a bare repository.
    pub top: Option<PathBuf>,
    /// The first commit does not change; finding it may take a while.
    first_commit: OnceLock<String>,
}

impl Repository {
    /// The repository that a directory is in.
    pub fn find(directory: &Path) -> Option<Self> {
        let said = git::run(
            directory,
            &[
                "rev-parse",
                "--absolute-git-dir",
                "--path-format=absolute",
                "--git-common-dir",
                // Fails in a bare repository, after the others were answered.
                "--show-toplevel",
            ],
        )?;
        let mut lines = said.text.lines().map(PathBuf::from);
        Some(Self {
            git_dir: lines.next()?,
            common_dir: lines.next()?,
            top: lines.next(),
            first_commit: OnceLock::new(),
        })
    }

    /// False once it was moved or deleted.
    pub fn still_there(&self) -> bool {
        self.git_dir.join("HEAD").exists()
    }

    /// Asks git for everything that belongs to a [`Context`].
    pub fn context(&self, directory: &Path) -> Context {
        let mut context = Context::default();
        let mut paths = Paths::default();
        match self.status() {
            Some(said) => read_status(&said.text, &mut context, &mut paths),
            None => self.read_bare_head(&mut context),
        }
        if self.top.is_some() && context.commit.is_some() {
            self.read_branch_changes(&context, &mut paths);
        }
        context.paths = paths.kept;
        context.branch = context.branch.filter(|branch| branch.len() <= BRANCH_CHARS);
        context.repo = self
            .name(context.branch.as_deref(), context.commit.is_some())
            .filter(|name| name.len() <= REPO_CHARS)
            .or_else(|| super::directory_name(directory));
        context
    }

    fn status(&self) -> Option<Said> {
        let top = self.top.as_ref()?;
        let arguments = [
            "status",
            "--porcelain=v2",
            "--branch",
            "-z",
            "--untracked-files=normal",
            "--ignore-submodules=dirty",
            "--no-renames",
        ];
        git::run(top, &arguments).filter(|said| said.success)
    }

    fn read_bare_head(&self, context: &mut Context) {
        let line = |arguments: &[&str]| -> Option<String> {
            let said = git::run(&self.git_dir, arguments)?;
            let line = said.text.lines().next()?.to_owned();
            said.success.then_some(line)
        };
        context.branch = line(&["symbolic-ref", "--quiet", "--short", "HEAD"]);
        context.commit = line(&["rev-parse", "--verify", "--quiet", "HEAD"]);
    }

    /// What the branch has changed since it left the default branch.
    fn read_branch_changes(&self, context: &Context, paths: &mut Paths) {
        let Some(top) = &self.top else { return };
        for base in [
            "refs/remotes/origin/HEAD",
            "refs/heads/main",
            "refs/heads/master",
        ] {
            if base.rsplit('/').next() == context.branch.as_deref() {
                return;
            }
            let range = format!("{base}...HEAD");
            let arguments = [
                "diff",
                "--name-only",
                "-z",
                "--no-renames",
                "--no-ext-diff",
                "--ignore-submodules=all",
                &range,
                "--",
            ];
            if let Some(said) = git::run(top, &arguments).filter(|said| said.success) {
                said.text.split('\0').for_each(|path| paths.add(path));
                return;
            }
        }
    }

    /// The remote that others clone from too, else the first commit, else the
    /// name of the main working tree's directory.
    fn name(&self, branch: Option<&str>, has_commits: bool) -> Option<String> {
        if let Some(name) = self.remote_name(branch) {
            return Some(name);
        }
        if has_commits && let Some(first) = self.first_commit() {
            return Some(format!("root:{first}"));
        }
        let main = match self.common_dir.file_name() {
            Some(name) if name == ".git" => self.common_dir.parent()?,
            _ => self.top.as_deref().unwrap_or(&self.common_dir),
        };
        super::directory_name(main)
    }

    fn remote_name(&self, branch: Option<&str>) -> Option<String> {
        let said = git::run(
            &self.git_dir,
            &[
                "config",
                "--null",
                "--get-regexp",
                r"^(remote\..+\.url|branch\..+\.remote)$",
            ],
        )?;
        let entries: Vec<(&str, &str)> = said
            .text
            .split('\0')
            .filter_map(|entry| entry.split_once('\n'))
            .collect();
        let value = |wanted: &str| {
            let found = entries.iter().find(|(key, _)| *key == wanted);
            found.map(|(_, value)| *value)
        };
        let upstream = branch.and_then(|branch| value(&format!("branch.{branch}.remote")));
        // The common home first: a fork's clone and the original then differ, but
        // all clones of one are the same.
        ["origin"]
            .into_iter()
            .chain(upstream)
            .filter_map(|remote| value(&format!("remote.{remote}.url")))
            .chain(
                entries
                    .iter()
                    .filter(|(key, _)| key.ends_with(".url"))
                    .map(|(_, url)| *url),
            )
            .find_map(remote::normalised)
    }

    fn first_commit(&self) -> Option<&str> {
        if self.first_commit.get().is_none() {
            let said = git::run(&self.git_dir, &["rev-list", "--max-parents=0", "HEAD"])?;
            // The oldest is the last: histories may have been joined later.
            let first = said.text.lines().last()?.to_owned();
            if said.success {
                let _ = self.first_commit.set(first);
            }
        }
        self.first_commit.get().map(String::as_str)
    }
}

/// Distinct paths, as many as a context may carry, the first found first.
#[derive(Default)]
struct Paths {
    kept: Vec<String>,
}

impl Paths {
    fn add(&mut self, path: &str) {
        let path = path.trim_end_matches('/');
        let fits = !path.is_empty() && path.chars().count() <= PATH_CHARS;
        if fits && self.kept.len() < PATHS && !self.kept.iter().any(|kept| kept == path) {
            self.kept.push(path.to_owned());
        }
    }
}

/// Reads `git status --porcelain=v2 --branch -z --no-renames`.
fn read_status(text: &str, context: &mut Context, paths: &mut Paths) {
    for line in text.split('\0') {
        // `1 XY sub mH mI mW hH hI path` and `u XY sub m1 m2 m3 mW h1 h2 h3 path`.
        let fields_before_path = match line.as_bytes().first() {
            Some(b'#') => {
                read_header(line, context);
                continue;
            }
            Some(b'1') => 8,
            Some(b'u') => 10,
            Some(b'?') => 1,
            _ => continue,
        };
        if let Some(path) = line
            .splitn(fields_before_path + 1, ' ')
            .nth(fields_before_path)
        {
            paths.add(path);
        }
    }
}

fn read_header(line: &str, context: &mut Context) {
    if let Some(commit) = line.strip_prefix("# branch.oid ")
        && commit != "(initial)"
    {
        context.commit = Some(commit.to_owned());
    }
    if let Some(branch) = line.strip_prefix("# branch.head ")
        && branch != "(detached)"
    {
        context.branch = Some(branch.to_owned());
    }
}
