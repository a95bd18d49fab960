//! Accepting connections and handing each to the worker that has the fewest.

use crate::hub::Load;
use crate::mailbox::{Accepted, Mailbox, Message};
use crate::rt::net::{self, Acceptor};
use crate::rt::tasks;
use std::sync::Arc;
use std::time::Duration;

/// A worker as the listener sees it.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) load: Arc<Load>,
}

/// All workers, and how many connections they may have together.
#[derive(Clone, Debug)]
pub(crate) struct Desks {
    pub(crate) desks: Vec<Desk>,
    pub(crate) connections_max: usize,
}

impl Desks {
    pub(crate) fn connections(&self) -> usize {
        self.desks.iter().map(|desk| desk.load.connections()).sum()
    }

    /// Hands a connection to the worker with the fewest. Equal ones take turns; one that some
    /// handler holds is passed over, unless all are.
    fn hand_over(&self, turn: usize, accepted: Accepted) {
        let count = self.desks.len().max(1);
        let in_turn = (0..count).filter_map(|n| self.desks.get((turn + n) % count));
        let free = in_turn.clone().filter(|desk| !desk.load.pulse.is_stuck(STUCK_AFTER));
        let chosen = free.min_by_key(|desk| desk.load.connections());
        let any = || in_turn.clone().min_by_key(|desk| desk.load.connections());
        if let Some(desk) = chosen.or_else(any) {
            desk.load.add();
            desk.mailbox.post(Message::Serve(accepted));
        }
    }
}

/// Accepts from the listener of this number until the task is dropped.
pub(crate) async fn accept_all(listener: usize, acceptor: Acceptor, desks: Desks) {
    let local = acceptor.local_addr();
    let mut turn = 0;
    loop {
        while desks.connections() >= desks.connections_max {
            // The system's backlog holds them meanwhile.
            tasks::sleep(FULL_PAUSE).await;
        }
        match acceptor.accept().await {
            Ok((stream, peer)) => {
                turn += 1;
                desks.hand_over(turn, Accepted { stream, peer, local, listener });
            }
            Err(error) if net::is_about_one_connection(&error) => {}
            Err(error) => {
                // Out of descriptors or memory: an immediate retry would spin.
                tracing::warn!(%error, "accepting pauses");
                tasks::sleep(ERROR_PAUSE).await;
            }
        }
    }
}

const STUCK_AFTER: Duration = Duration::from_millis(50);
const FULL_PAUSE: Duration = Duration::from_millis(10);
const ERROR_PAUSE: Duration = Duration::from_millis(200);
