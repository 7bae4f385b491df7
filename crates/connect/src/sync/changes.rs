//! What has changed since the last run: by time of change where the source can be asked so, and by its list of past events.

use super::engine::Sync;
use super::run::{Hear, RunError};
use crate::fhir::timestamp;
use crate::http::Request;
use crate::pattern::{ChangeFeed, ResourceCapability};
use crate::vendor::{Changes, Way};

/// Seconds before the newest change that was seen, from which the next run asks: what was changed at the same moment and committed later
/// is not missed.
pub(crate) const OVERLAP: i64 = 600;

impl Sync {
    pub(crate) async fn changes(&self, hear: Hear<'_>) -> Result<(), RunError> {
        let capabilities = self.source().vendor.capabilities();
        let offer = self.source().offer(false).await?;
        for resource in capabilities.resources {
            let way = self.source().vendor.way(resource, &offer);
            if way.changes != Changes::Otherwise {
                self.changed_since(resource, way, hear).await?;
            }
        }
        self.note_listed().await?;
        if let Some(feed) = capabilities.change_feed {
            self.catch_up(feed).await?;
        }
        self.note_time("changes", self.now()).await?;
        Ok(())
    }

    async fn changed_since(
        &self,
        resource: &'static ResourceCapability,
        way: Way,
        hear: Hear<'_>,
    ) -> Result<(), RunError> {
        let name = format!("since/{}", resource.kind);
        let since = self.cursor(&name)?.filter(|_| way.changes == Changes::Since);
        let before = since.as_deref().and_then(timestamp).map(|since| since.plus_seconds(OVERLAP));
        let walked = self.walk_all(resource, way, since.as_deref(), hear).await?;
        // Only now, with all of it taken: a run that ends early asks for the same again.
        if let Some(newest) = before.max(walked.newest)
            && way.changes == Changes::Since
            && walked.whole
        {
            self.note_time(&name, newest.plus_seconds(-OVERLAP)).await?;
        }
        Ok(())
    }

    /// Reads the list of past events from where it was left, and every object that they name.
    async fn catch_up(&self, feed: ChangeFeed) -> Result<(), RunError> {
        let mut address = match self.cursor("feed")? {
            Some(address) => address,
            None => self.source().address(&self.source().vendor.feed(feed.path)),
        };
        loop {
            let vendor = &self.source().vendor;
            let page = self.source().read(&Request::get(&address), |answer| vendor.changes(&answer.body)).await;
            let (news, next) = page?;
            for news in news {
                self.take_news(&news).await?;
            }
            match next {
                Some(next) if next != address => address = next,
                // The last page is read again next time: more may stand on it then.
                _ => break,
            }
            self.set_cursor("feed", &address).await?;
        }
        Ok(())
    }
}
