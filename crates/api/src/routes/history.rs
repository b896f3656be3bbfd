//! The last day in numbers.

use super::State;
use crate::House;
use crate::types::HistoryView;
use axum::Json;

pub async fn show(State(house): State<House>) -> Json<HistoryView> {
    Json(house.history.view())
}
