//! Statistics.

use std::sync::Arc;

use poem_openapi::OpenApi;

use super::super::V1Tag;
use super::types::{DailyLogins, LoginAnalytics, LoginsAnswer, MonthlyLogins, StatsAnswer, Totals};
use crate::http::extract::allowed::{Allowed, ReadStats};
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::admin::stats;

/// Operations under `/admin/stats`.
pub struct Stats {
    pub(super) core: Arc<Core>,
}

#[OpenApi]
impl Stats {
    /// Get totals
    #[oai(path = "/admin/stats", method = "get", operation_id = "getStats", tag = "V1Tag::Admin")]
    async fn totals(&self, _admin: Allowed<ReadStats>) -> Answer<StatsAnswer> {
        let totals = stats::totals(&self.core).await?;
        let shown = Totals {
            total_users: totals.users,
            verified_users: totals.verified,
            suspended_users: totals.suspended,
            deleted_users: totals.deleted,
            total_logins: totals.logins,
            active_sessions: totals.sessions,
        };
        Ok(answer(shown.into()))
    }

    /// Get login statistics
    ///
    /// Returns the number of completed logins for each of the last 30 days and the last 12 months,
    /// in UTC. Days and months without logins are included with 0.
    #[oai(
        path = "/admin/stats/logins",
        method = "get",
        operation_id = "getLoginAnalytics",
        tag = "V1Tag::Admin"
    )]
    async fn logins(&self, _admin: Allowed<ReadStats>) -> Answer<LoginsAnswer> {
        let logins = stats::logins(&self.core).await?;
        let shown = LoginAnalytics {
            daily_logins: logins
                .daily
                .into_iter()
                .map(|(date, count)| DailyLogins { date, count })
                .collect(),
            monthly_logins: logins
                .monthly
                .into_iter()
                .map(|(month, count)| MonthlyLogins { month, count })
                .collect(),
        };
        Ok(answer(shown.into()))
    }
}
