//! Saved searches for accounts.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::super::V1Tag;
use super::super::types::Done;
use crate::http::extract::allowed::{Allowed, ReadUsers};
use crate::http::extract::body::{Body, Payload};
use crate::http::server::reject::Reject;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::admin::saved_searches::{self, SavedSearch};

/// Operations under `/admin/searches`.
pub struct SearchesApi {
    pub(super) core: Arc<Core>,
}

/// A saved search for accounts.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ShownSearch {
    /// The name of the search.
    pub name: String,
    /// The query of the list of accounts in the console.
    pub query: String,
    /// When the search was saved.
    pub created_at: String,
}

/// Request to save a search.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct SaveSearchRequest {
    /// The name of the search.
    #[oai(validator(min_length = 1, max_length = 60))]
    pub name: String,
    /// The query of the list of accounts in the console, such as `state=pending&sort=-created`.
    #[oai(validator(max_length = 1000))]
    pub query: String,
}

impl Payload for SaveSearchRequest {}

/// All saved searches.
pub type ShownSearches = Vec<ShownSearch>;

super::super::types::answers! {
    /// A saved search.
    SearchAnswer(ShownSearch);
    /// All saved searches.
    SearchesAnswer(ShownSearches);
}

/// Response to the saving of a search.
#[derive(ApiResponse)]
pub enum SearchSavedResponse {
    /// The search is saved.
    #[oai(status = 201)]
    Search(Json<SearchAnswer>),
}

fn shown(search: SavedSearch) -> ShownSearch {
    ShownSearch {
        name: search.name,
        query: search.query,
        created_at: search.created_at.to_seconds_text(),
    }
}

#[OpenApi]
impl SearchesApi {
    /// List the caller's saved searches
    #[oai(
        path = "/admin/searches",
        method = "get",
        operation_id = "listSearches",
        tag = "V1Tag::Admin"
    )]
    async fn list(&self, admin: Allowed<ReadUsers>) -> Answer<SearchesAnswer> {
        let found = saved_searches::list(&self.core, &admin.admin()).await?;
        Ok(answer(found.into_iter().map(shown).collect::<Vec<_>>().into()))
    }

    /// Save a search for accounts
    ///
    /// It replaces a search of the caller with the same name. Other administrators do not see it.
    #[oai(
        path = "/admin/searches",
        method = "post",
        operation_id = "saveSearch",
        tag = "V1Tag::Admin"
    )]
    async fn save(
        &self,
        admin: Allowed<ReadUsers>,
        body: Body<SaveSearchRequest>,
    ) -> Result<SearchSavedResponse, Reject> {
        let (name, query) = (body.0.name, body.0.query);
        let saved = saved_searches::save(&self.core, &admin.admin(), &name, &query).await?;
        Ok(SearchSavedResponse::Search(Json(shown(saved).into())))
    }

    /// Remove a saved search
    #[oai(
        path = "/admin/searches/:searchName",
        method = "delete",
        operation_id = "removeSearch",
        tag = "V1Tag::Admin"
    )]
    async fn remove(
        &self,
        admin: Allowed<ReadUsers>,
        #[oai(name = "searchName")] name: Path<String>,
    ) -> Answer<Done> {
        saved_searches::remove(&self.core, &admin.admin(), &name.0).await?;
        Ok(answer(Done::saying("Search removed")))
    }
}
