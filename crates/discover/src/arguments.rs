//! What somebody who runs the program by hand wants of it.

/// What is wanted.
#[derive(Debug, Eq, PartialEq)]
pub enum Wanted {
    /// The inventory on standard output.
    Print,
    /// The inventory to a server.
    Send {
        /// `http://10.0.0.1`.
        server: String,
        /// The address the machine is filed under; else that of the first card with a link.
        mac: Option<String>,
    },
    /// To be told how.
    Help,
}

/// How the program is called.
pub const HELP: &str = "\
bootwright-discover --print                     what is in this machine, as JSON
bootwright-discover --send URL [--mac MAC]      the same to a Bootwright server (http://10.0.0.1)
As the first program of a machine (rdinit=/init) it reads bootwright.server=URL, BOOTIF=01-MAC and
bootwright.then=reboot|poweroff|wait from the kernel's arguments.";

/// Reads the words after the program's name. `Err` says what is wrong with them.
pub fn read(words: &[String]) -> Result<Wanted, String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--print"] => Ok(Wanted::Print),
        ["--help" | "-h"] => Ok(Wanted::Help),
        ["--send", server] => Ok(Wanted::Send { server: (*server).to_owned(), mac: None }),
        ["--send", server, "--mac", mac] => {
            Ok(Wanted::Send { server: (*server).to_owned(), mac: Some((*mac).to_owned()) })
        }
        [] => Err("nothing was asked for".to_owned()),
        words => Err(format!("`{}` means nothing here", words.join(" "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_and_what_is_not_understood_is_said() {
        let read =
            |text: &str| read(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(read("--print"), Ok(Wanted::Print));
        let server = "http://10.0.0.1".to_owned();
        assert_eq!(
            read("--send http://10.0.0.1"),
            Ok(Wanted::Send { server: server.clone(), mac: None })
        );
        assert_eq!(
            read("--send http://10.0.0.1 --mac 02:00:00:00:00:01"),
            Ok(Wanted::Send { server, mac: Some("02:00:00:00:00:01".to_owned()) })
        );
        assert_eq!(read("--prnt"), Err("`--prnt` means nothing here".to_owned()));
        assert!(read("").is_err());
    }
}
