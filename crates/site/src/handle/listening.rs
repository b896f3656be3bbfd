//! What is heard of what is not for us.

use super::SiteHandle;
use engine::Listened6;

impl SiteHandle {
    /// Hands over what was heard over IPv6 of what is not for us, in its order and without ever waiting. What finds
    /// no room is lost; how many found room.
    pub fn listen6(&self, heard: impl IntoIterator<Item = Listened6>) -> usize {
        self.door.ring.listen6(heard)
    }
}
