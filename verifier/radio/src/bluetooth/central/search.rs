//! Looking for who has the service.

use core::time::Duration;

use btleplug::api::{Central as _, CentralEvent, CentralState, Manager as _, Peripheral as _, ScanFilter};
use btleplug::platform::{Adapter, Manager, Peripheral};
use futures_util::StreamExt as _;

use super::super::uuid;
use super::{Incoming, fault, kind};
use crate::{Fault, Offer};

/// How often those that were found before are looked at again: not every system tells of every advertisement.
const LOOKS: Duration = Duration::from_millis(500);

/// The adapter of this name, or the first one, and its name.
pub(in crate::bluetooth) async fn adapter(name: Option<&str>) -> Result<(Adapter, String), Fault> {
    let manager = Manager::new()
        .await
        .map_err(|error| fault("reaching Bluetooth", &error))?;
    let adapters = manager.adapters().await;
    let mut there = Vec::new();
    for adapter in adapters.map_err(|error| fault("looking for adapters", &error))? {
        let info = adapter.adapter_info().await.unwrap_or_default();
        // On Linux "hci0 (usb:…)", in no fixed order.
        let called = info.split(' ').next().unwrap_or_default().to_owned();
        there.push((called, adapter));
    }
    there.sort_by(|(one, _), (other, _)| one.cmp(other));
    let Some(name) = name else {
        let first = there.into_iter().next().ok_or(Fault::NoAdapter)?;
        return switched_on(first).await;
    };
    match there.iter().position(|(called, _)| called == name) {
        Some(at) => switched_on(there.swap_remove(at)).await,
        None if there.is_empty() => Err(Fault::NoAdapter),
        None => Err(Fault::NoSuchAdapter {
            name: name.to_owned(),
            there: there.into_iter().map(|(called, _)| called).collect(),
        }),
    }
}

async fn switched_on((name, adapter): (String, Adapter)) -> Result<(Adapter, String), Fault> {
    match adapter.adapter_state().await {
        Ok(CentralState::PoweredOff) => Err(Fault::AdapterOff(name)),
        // A system that does not say will say later.
        _ => Ok((adapter, name)),
    }
}

/// Scans until somebody has the service; the news of the adapter go on from there.
pub(super) async fn find(name: &str, offer: Offer) -> Result<(Peripheral, Incoming<CentralEvent>), Fault> {
    let (adapter, _) = adapter(Some(name)).await?;
    let events = adapter.events().await;
    let mut events = events.map_err(|error| fault("listening to the adapter", &error))?;
    let service = uuid(offer.uuid);
    let filter = ScanFilter {
        services: vec![service],
    };
    let scan = adapter.start_scan(filter).await;
    scan.map_err(|error| fault("scanning", &error))?;
    let found = seek((&adapter, name), &mut events, service).await;
    if let Err(error) = adapter.stop_scan().await {
        tracing::debug!(kind = kind(&error), "scanning was not stopped");
    }
    Ok((found?, events))
}

/// Until somebody has the service. The link says when that takes too long.
async fn seek(
    (adapter, name): (&Adapter, &str),
    events: &mut Incoming<CentralEvent>,
    service: uuid::Uuid,
) -> Result<Peripheral, Fault> {
    let mut looks = tokio::time::interval(LOOKS);
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(CentralEvent::StateUpdate(CentralState::PoweredOff)) => {
                    return Err(Fault::AdapterOff(name.to_owned()));
                }
                Some(
                    CentralEvent::DeviceDiscovered(id)
                    | CentralEvent::DeviceUpdated(id)
                    | CentralEvent::ServicesAdvertisement { id, .. },
                ) => {
                    if let Ok(peripheral) = adapter.peripheral(&id).await && offers(&peripheral, service).await {
                        return Ok(peripheral);
                    }
                }
                Some(_) => {}
                None => return Err(Fault::NoService),
            },
            _ = looks.tick() => {
                let there = match adapter.peripherals().await {
                    Ok(there) => there,
                    Err(error) => return Err(why_not(name, &error).await),
                };
                for peripheral in there {
                    if offers(&peripheral, service).await {
                        return Ok(peripheral);
                    }
                }
            }
        }
    }
}

/// Others are reported too, whatever the filter says.
async fn offers(peripheral: &Peripheral, service: uuid::Uuid) -> bool {
    let properties = peripheral.properties().await;
    properties
        .is_ok_and(|properties| properties.is_some_and(|properties| properties.services.contains(&service)))
}

/// Why an adapter that was there cannot be asked any longer: BlueZ itself has better words for it.
#[cfg(target_os = "linux")]
async fn why_not(name: &str, error: &btleplug::Error) -> Fault {
    let now = crate::bluetooth::bluez::adapter(Some(name)).await;
    now.err()
        .unwrap_or_else(|| fault("looking for the other side", error))
}

#[cfg(not(target_os = "linux"))]
async fn why_not(_name: &str, error: &btleplug::Error) -> Fault {
    fault("looking for the other side", error)
}
