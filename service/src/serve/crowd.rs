//! How many connections one address may have, or one network of IPv6: a few slow clients do not keep everybody else out.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::rate::network;

/// Connections by address.
pub(super) struct Crowd {
    most: usize,
    /// Who has as many as there are: proxies speak for everybody behind them.
    believed: Vec<IpAddr>,
    here: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection that is counted, until it is dropped.
pub(super) struct Counted {
    crowd: Arc<Crowd>,
    who: Option<IpAddr>,
}

impl Crowd {
    /// `most` for each address; 0 is no limit.
    pub(super) fn new(most: usize, believed: Vec<IpAddr>) -> Arc<Self> {
        let here = Mutex::default();
        Arc::new(Self { most, believed, here })
    }

    /// Counts a connection; none if the address has as many as it may.
    pub(super) fn enter(self: &Arc<Self>, who: IpAddr) -> Option<Counted> {
        let counted = self.most > 0 && !self.believed.contains(&who.to_canonical());
        let who = network(who);
        if counted {
            let mut here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
            let count = here.entry(who).or_default();
            if *count >= self.most {
                return None;
            }
            *count += 1;
        }
        Some(Counted {
            crowd: Arc::clone(self),
            who: counted.then_some(who),
        })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some(who) = self.who else { return };
        let mut here = self.crowd.here.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = here.entry(who) {
            *count.get_mut() = count.get().saturating_sub(1);
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_a_network_of_ipv6_has_as_many_as_who_has_one_address() {
        let [slow, neighbour, other, proxy] =
            ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "2001:db8::7"]
                .map(|text| text.parse().unwrap());
        let crowd = Crowd::new(2, vec![proxy]);
        let (_one, two) = (crowd.enter(slow).unwrap(), crowd.enter(neighbour).unwrap());
        assert!(crowd.enter(neighbour).is_none());
        assert!(crowd.enter(other).is_some());
        // A proxy is one machine, and not the network that it is in.
        let _proxied: Vec<_> = (0..10).map(|_| crowd.enter(proxy).unwrap()).collect();
        drop(two);
        assert!(crowd.enter(slow).is_some());
    }

    #[test]
    fn one_address_has_so_many_and_a_proxy_as_many_as_come() {
        let [slow, other, proxy] = ["192.0.2.1", "192.0.2.2", "10.0.0.7"].map(|text| text.parse().unwrap());
        let crowd = Crowd::new(2, vec![proxy]);
        let one = crowd.enter(slow).unwrap();
        let _two = crowd.enter("::ffff:192.0.2.1".parse().unwrap()).unwrap();
        assert!(crowd.enter(slow).is_none());
        assert!(crowd.enter(other).is_some());
        drop(one);
        let _again = crowd.enter(slow).unwrap();
        let proxied: Vec<_> = (0..10).map(|_| crowd.enter(proxy).unwrap()).collect();
        drop(proxied);
        assert_eq!(crowd.here.lock().unwrap().len(), 1, "who is gone is not kept");
        let open = Crowd::new(0, Vec::new());
        assert!((0..1000).all(|_| open.enter(slow).is_some()));
    }
}
