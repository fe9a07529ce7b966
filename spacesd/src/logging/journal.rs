//! The form of a line for systemd's journal, which stamps its entries itself and
//! takes their priority from the beginning of the line (see sd-daemon(3)).

use std::fmt;
use std::os::fd::AsFd;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{DefaultFields, Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent};
use tracing_subscriber::registry::LookupSpan;

/// Whether the journal reads what is written to `stream`. systemd tells which
/// stream it gave in a variable, which children inherit whose streams may be
/// others.
pub(super) fn reads(stream: impl AsFd) -> bool {
    let Some(given) = std::env::var_os("JOURNAL_STREAM") else {
        return false;
    };
    rustix::fs::fstat(stream)
        .is_ok_and(|facts| given == *format!("{}:{}", facts.st_dev, facts.st_ino))
}

/// Lines without time or colours, with the priority in front.
pub(super) struct Lines(Format<Full, ()>);

impl Default for Lines {
    fn default() -> Self {
        // The priority says the level.
        Self(
            Format::default()
                .without_time()
                .with_ansi(false)
                .with_level(false),
        )
    }
}

impl<S> FormatEvent<S, DefaultFields> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, DefaultFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        write!(writer, "<{}>", priority(*event.metadata().level()))?;
        self.0.format_event(context, writer, event)
    }
}

/// As in syslog(3).
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt;
    use tracing_subscriber::layer::SubscriberExt;

    use super::Lines;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_begins_with_its_priority_and_keeps_its_fields() {
        let written = Written::default();
        let writer = written.clone();
        let lines = fmt::layer()
            .with_writer(move || writer.clone())
            .event_format(Lines::default());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            tracing::error!("it broke");
            tracing::warn!(attempt = 2, "it may break");
            tracing::info!("it works");
            tracing::debug!("how it works");
        });
        let written = written.0.lock().unwrap().clone();
        let target = module_path!();
        assert_eq!(
            String::from_utf8(written).unwrap(),
            format!(
                "<3>{target}: it broke\n<4>{target}: it may break attempt=2\n\
                 <6>{target}: it works\n<7>{target}: how it works\n"
            )
        );
    }
}
