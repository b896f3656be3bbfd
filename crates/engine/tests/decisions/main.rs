//! The engine's decisions, one by one: what bad input gets, what loaders are given to read.

mod addresses;
mod cards;
mod declared;
mod deployments;
mod dhcp_rows;
mod drafts;
mod elsewhere;
mod explained;
mod fronts;
mod house;
mod images;
mod inventory;
mod listening;
mod others;
mod power;
mod rules;
mod scripts;
mod shelf;
mod who;
