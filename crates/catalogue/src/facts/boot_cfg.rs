//! `boot.cfg` of ESXi: what its loader loads, and the same for a machine that loads over HTTP.
//!
//! In: its text. Out: a text that we write, of the lines we know. Never: a line of the disc's passed
//! on that could be read in another way (a brace would be a place for a machine's own values).

use model::text::show;

/// Lines that are read; real ones have a dozen.
const LINES_MAX: usize = 200;
/// Bytes of the list of modules; ESXi 8 has 5,000.
const VALUE_MAX: usize = 32 * 1024;

/// What a `boot.cfg` names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct BootCfg {
    pub title: String,
    pub build: String,
    kernel: String,
    modules: Vec<String>,
    options: String,
}

impl BootCfg {
    /// None if it names no kernel.
    pub fn read(text: &str) -> Option<Self> {
        let mut cfg = Self::default();
        for line in text.lines().take(LINES_MAX) {
            let Some((key, value)) = line.split_once('=') else { continue };
            let value: String =
                value.trim().chars().filter(|c| plain(*c)).take(VALUE_MAX).collect();
            match key.trim() {
                "title" => cfg.title = short(&value),
                "build" => cfg.build = short(&value),
                "kernel" => cfg.kernel = relative(&value),
                "kernelopt" => cfg.options = value,
                "modules" => cfg.modules = value.split(" --- ").map(relative).collect(),
                _ => {}
            }
        }
        (!cfg.kernel.is_empty()).then_some(cfg)
    }

    /// The files that its loader will ask for.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.kernel.as_str()).chain(self.modules.iter().map(String::as_str))
    }

    /// The same for a machine that loads it over HTTP: everything relative to `{B}`. The disc's own
    /// option is `cdromBoot`, which would look for a drive; `runweasel` starts the installer.
    pub fn over_http(&self) -> String {
        let own = self.options.split_whitespace();
        let own = own.filter(|word| !["runweasel", "cdromBoot"].contains(word));
        let own: String = own.map(|word| format!(" {word}")).collect();
        format!(
            "bootstate=0\ntitle={}\ntimeout=5\nprefix={{B}}\nkernel={}\n\
             kernelopt=runweasel{own} {{ANSWER}}\nmodules={}\nbuild={}\nupdated=0\n",
            self.title,
            self.kernel,
            self.modules.join(" --- "),
            self.build
        )
    }
}

fn plain(c: char) -> bool {
    (c.is_ascii_graphic() || c == ' ') && !matches!(c, '{' | '}')
}

fn short(value: &str) -> String {
    show(value.as_bytes().get(..96.min(value.len())).unwrap_or_default())
}

fn relative(path: &str) -> String {
    path.trim().trim_start_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disc_s_file_becomes_one_for_http() {
        let text = "bootstate=0\ntitle=Loading ESXi installer\ntimeout=5\nprefix=\nkernel=/b.b00\n\
                    kernelopt=runweasel cdromBoot\nmodules=/jumpstrt.gz --- /useropts.gz --- /k.b00\n\
                    build=7.0.3-0.35.19482537\nupdated=0\n";
        let cfg = BootCfg::read(text).unwrap();
        assert_eq!(
            cfg.over_http(),
            "bootstate=0\ntitle=Loading ESXi installer\ntimeout=5\nprefix={B}\nkernel=b.b00\n\
             kernelopt=runweasel {ANSWER}\nmodules=jumpstrt.gz --- useropts.gz --- k.b00\n\
             build=7.0.3-0.35.19482537\nupdated=0\n"
        );
        assert_eq!(cfg.files().count(), 4);
    }

    #[test]
    fn what_a_machine_would_fill_in_is_not_taken_from_the_disc() {
        let cfg =
            BootCfg::read("kernel=/{A}/b\nkernelopt=x ks={A}\u{1b}\nmodules=/a{B}\n").unwrap();
        let text = cfg.over_http();
        assert_eq!(text.matches('{').count(), 2, "{text}");
        assert_eq!(BootCfg::read("title=x\n"), None);
    }
}
