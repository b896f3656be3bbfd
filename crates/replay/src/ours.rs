//! What the engine says to a request for a file, ready to be compared.

use crate::body::hash;
use engine::files::is_for_later;
use engine::tftp::deserves_error;
use engine::{Answer, Found, Served, Told};
use model::event::Happening;
use model::plan::Why;
use model::{Content, Event, Hash};

/// What we would have given.
#[derive(Clone, Debug)]
pub(crate) enum Ours {
    /// A text, written for the asker.
    Text(Vec<u8>),
    /// Bytes of the content store, known by hash and size.
    Blob(Content),
    /// An answer file: made with secrets, which nobody replays.
    AnswerFile,
    /// What another server says, which nobody asks here.
    Elsewhere,
    /// Not there.
    Missing(Why),
    /// Not now.
    Later(Why),
    /// Not a word over TFTP.
    Silent(Why),
    /// Refused by its form.
    Refused(u16, String),
}

impl Ours {
    pub(crate) fn of(answer: &Answer<Found>) -> Self {
        match answer {
            Answer::Reply(Found { what: Served::Text(text), .. }) => {
                Self::Text(text.clone().into_bytes())
            }
            Answer::Reply(Found { what: Served::Blob(content), .. }) => Self::Blob(content.clone()),
            Answer::Reply(Found { what: Served::Answer(_), .. }) => Self::AnswerFile,
            Answer::Reply(Found { what: Served::Ask(_), .. }) => Self::Elsewhere,
            Answer::Silence(why) if is_for_later(why) => Self::Later(why.clone()),
            Answer::Silence(why) if !deserves_error(why) => Self::Silent(why.clone()),
            Answer::Silence(why) => Self::Missing(why.clone()),
        }
    }

    /// How many bytes it has, where that is known.
    pub(crate) fn size(&self) -> Option<u64> {
        match self {
            Self::Text(text) => Some(text.len() as u64),
            Self::Blob(content) => Some(content.size),
            _ => None,
        }
    }

    /// The hash of its bytes, where that is known: of a file inside a disc it is not.
    pub(crate) fn sha256(&self) -> Option<Hash> {
        match self {
            Self::Text(text) => Some(hash(text)),
            Self::Blob(content) if content.runs.is_none() => Some(content.blob),
            _ => None,
        }
    }

    /// Why it is not made here, where it is not.
    pub(crate) fn not_made(&self) -> Option<&'static str> {
        match self {
            Self::AnswerFile => Some("answer files hold secrets and are not made here"),
            Self::Elsewhere => Some("another server is to be asked, and is not"),
            _ => None,
        }
    }

    /// In words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Text(text) => format!("a text of {} bytes", text.len()),
            Self::Blob(content) => format!("a file of {} bytes", content.size),
            Self::AnswerFile => "an answer file".to_owned(),
            Self::Elsewhere => "what another server says".to_owned(),
            Self::Missing(why) => format!("no such file: {why}"),
            Self::Later(why) => format!("not now: {why}"),
            Self::Silent(why) => format!("silence: {why}"),
            Self::Refused(_, why) => format!("refused: {why}"),
        }
    }
}

/// The reasons that came with an answer.
pub(crate) fn because<T>(told: &Told<T>) -> Vec<String> {
    let of = |event: &Event| -> Vec<String> {
        match &event.what {
            Happening::Answered { because, .. } | Happening::Script { because, .. } => {
                because.iter().map(ToString::to_string).collect()
            }
            Happening::Alarm { text } => vec![text.clone()],
            Happening::Deployment { says, .. } => vec![says.clone()],
            _ => Vec::new(),
        }
    };
    told.events.iter().flat_map(of).collect()
}
