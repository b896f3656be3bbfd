//! Looking a machine up by whatever somebody has in hand: a sticker, a label, a disk.

use crate::Engine;
use model::{HardwareAddress, Machine};

impl Engine {
    /// The machines of which every word is a part of something that is known of them: name, MAC of
    /// any card (in any spelling), UUID, serial, product, model and serial of a disk, label, vendor
    /// class, interface. Letter case does not matter.
    pub fn search(&self, words: &str) -> impl Iterator<Item = &Machine> {
        self.search_after(words, None)
    }

    /// The same from behind an address on, in the order of addresses.
    pub fn search_after(
        &self,
        words: &str,
        after: Option<HardwareAddress>,
    ) -> impl Iterator<Item = &Machine> {
        let words: Vec<Word> = words.split_whitespace().map(Word::read).collect();
        let rest = self.machines.after(after);
        rest.filter(move |machine| words.iter().all(|word| self.has(machine, word)))
    }

    fn has(&self, machine: &Machine, word: &Word) -> bool {
        let own = [
            machine.name.as_deref(),
            machine.serial.as_deref(),
            machine.vendor_class.as_deref(),
            machine.profile.as_deref(),
            Some(machine.link.as_str()),
            machine.arch.map(|arch| arch.name()),
            Some(machine.life().name()),
        ];
        let labelled = |(key, value): (&str, &str)| word.is_label(key, value);
        let parts = self.hardware.get(&machine.hardware);
        own.into_iter().flatten().any(|text| word.is_in(text))
            || machine.addresses().any(|mac| word.is_of(&mac))
            || machine.uuid.is_some_and(|uuid| word.is_in(&uuid.to_string()))
            || machine.labels.iter().any(labelled)
            || parts.is_some_and(|parts| {
                parts.texts().any(|text| word.is_in(text))
                    || parts.macs().any(|mac| word.is_of(&mac))
            })
    }
}

/// A word that is looked for.
struct Word {
    /// In small letters.
    text: String,
    /// Its digits, if it could be a part of a MAC.
    digits: Option<String>,
}

/// Fewer digits would be a part of almost every address.
const DIGITS_MIN: usize = 4;

impl Word {
    fn read(word: &str) -> Self {
        let text = word.to_lowercase();
        let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
        let hex = digits.len() >= DIGITS_MIN && digits.chars().all(|c| c.is_ascii_hexdigit());
        Self { digits: hex.then_some(digits), text }
    }

    /// Whether it is a part of a text. Letters beyond ASCII are compared as they are.
    fn is_in(&self, text: &str) -> bool {
        let (word, text) = (self.text.as_bytes(), text.as_bytes());
        text.windows(word.len().max(1)).any(|part| part.eq_ignore_ascii_case(word))
    }

    fn is_of(&self, mac: &HardwareAddress) -> bool {
        let Some(digits) = &self.digits else { return false };
        model::address::hex_of(mac.bytes()).contains(digits.as_str())
    }

    /// `room=3`, or a part of the value.
    fn is_label(&self, key: &str, value: &str) -> bool {
        match self.text.split_once('=') {
            Some((of, wanted)) => key == of && value.eq_ignore_ascii_case(wanted),
            None => self.is_in(value),
        }
    }
}
