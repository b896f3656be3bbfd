//! The engine's decisions, one by one: what bad input gets, what loaders are given to read.

mod addresses;
mod addresses6;
mod cards;
mod declared;
mod deployments;
mod deployments6;
mod dhcp_rows;
mod drafts;
mod elsewhere;
mod explained;
mod fronts;
mod house;
mod images;
mod inventory;
mod listening;
mod listening6;
mod others;
mod others6;
mod power;
mod reasons;
mod rules;
mod scripts;
mod shelf;
mod who;
