//! Statistics.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Query;

use super::super::V1Tag;
use super::activity::{ActivityAnswer, PeriodLength, shown};
use super::types::{DailyLogins, LoginAnalytics, LoginsAnswer, MonthlyLogins, StatsAnswer, Totals};
use crate::http::extract::allowed::{Allowed, ReadStats};
use crate::http::extract::params::{PageLimit, Paging};
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::admin::stats;
use crate::identity::system::statistics;
use crate::identity::system::statistics::ChartStep;

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

    /// Get counts over time
    ///
    /// Returns what happened in each period, in UTC: sign-ups, logins, refusals, active accounts,
    /// mail, requests. The last minute may be missing.
    #[oai(
        path = "/admin/stats/activity",
        method = "get",
        operation_id = "getActivity",
        tag = "V1Tag::Admin"
    )]
    async fn activity(
        &self,
        _admin: Allowed<ReadStats>,
        /// The length of a period. Defaults to `day`.
        by: Query<Option<PeriodLength>>,
        /// Number of periods, from 1 to 100. Defaults to 24 hours, 30 days, 12 months or 5 years.
        limit: Query<Option<PageLimit>>,
    ) -> Answer<ActivityAnswer> {
        let step: ChartStep = by.0.unwrap_or(PeriodLength::Day).into();
        let periods = match limit.0 {
            Some(limit) => u16::try_from(Paging::read(None, Some(limit))?.limit).unwrap_or(1),
            None => step.usual_periods(),
        };
        let counts = statistics::read(&self.core, step, periods).await?;
        Ok(answer(shown(counts).into()))
    }
}
