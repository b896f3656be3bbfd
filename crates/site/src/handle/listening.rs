//! What is heard where we only listen.

use super::SiteHandle;
use engine::Listened6;

impl SiteHandle {
    /// Hands over what was heard over IPv6 where we only listen, in its order and without ever waiting. What finds
    /// no room is lost; how many found room.
    pub fn listen6(&self, heard: impl IntoIterator<Item = Listened6>) -> usize {
        self.door.ring.listen6(heard)
    }
}
