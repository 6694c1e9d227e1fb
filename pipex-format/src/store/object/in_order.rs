//! Objects that are read one after the other, as they were put there.

use bytes::Bytes;
use object_store::ObjectStoreExt as _;

use super::bucket::{Begun, take_as_it_is};
use super::lists;
use super::place::Object;
use crate::store::error::StoreError;

impl Object {
    /// All of its bytes, where others are likely to be asked for that were put there after it: those come meanwhile.
    pub(in crate::store) fn read_in_order(&self) -> Result<Vec<u8>, StoreError> {
        match self.begin_in_order()?.map(|begun| self.bucket.end(begun)).transpose()? {
            Some(Ok(bytes)) => Ok(bytes.into()),
            // If it cannot be had, it is said of a request of its own.
            Some(Err(_)) | None => self.read(),
        }
    }

    fn begin_in_order(&self) -> Result<Option<Begun<Bytes>>, StoreError> {
        let Some(mut lists) = lists::current(&self.bucket.lists) else { return Ok(None) };
        let begin = |path| {
            let store = self.bucket.store();
            self.bucket.begin(async move { store.get(&path).await?.bytes().await })
        };
        let (this, next) = lists.next(self.path.as_ref());
        // The one that is asked for comes first.
        let this = this.map_or_else(|| begin(self.path.clone()), Ok)?;
        for put in next {
            let begun = begin(take_as_it_is(&put.path))?;
            lists.fetches(put, begun);
        }
        Ok(Some(this))
    }
}
