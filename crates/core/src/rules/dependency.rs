//! Rules about what a show depends on: services, those that stand by for them, backends.

use onair_wire::Millis;

use super::{Found, Scene, rules};
use crate::{
    command::{Backend, Delivery},
    lifecycle::Phase,
    production::{Production, server},
    service::{Service, Status},
};

/// How long a show is live before it is said that nobody stands by: agents come one after the other.
const STANDBY_AFTER: Millis = Millis(60_000);

rules! { Dependency:
    "DP001" Error "A required service is not active while live",
        "Start the service, or stop the show and start it again; `onair why` says what is wrong with it." => not_active;
    "DP002" Warning "A service gives no sign of life",
        "See whether it runs and reaches this server; behind `healthTimeout` a required one takes the show to `error`." => late;
    "DP003" Info "An agent has nobody standing by",
        "Connect a second agent for the service: it takes over at once when the first goes away." => no_standby;
    "DP004" Error "A backend is parked",
        "Mend the backend as its last error says, then `onair backends replay NAME`." => parked;
    "DP005" Warning "A service may be on that should be off",
        "Look at the thing itself and turn it off; `onair stop`, `recover` or `emergency-stop` asks it again." => may_be_on;
}

/// A service that the manifest says a start turns on.
fn is_started(production: &Production, name: &str) -> bool {
    production.manifest().is_some_and(|manifest| manifest.written.start.iter().any(|known| known == name))
}

fn word(status: Status) -> String {
    serde_json::to_value(status).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

fn not_active(scene: &Scene<'_>) -> Vec<Found> {
    let (production, lifecycle) = (scene.production, &scene.lifecycle);
    // While a sequence is under way it is being seen to.
    if lifecycle.phase != Phase::Live || lifecycle.sequence.is_some() {
        return Vec::new();
    }
    let off = |(name, service): &&(String, Service)| {
        service.required && service.status != Status::Active && is_started(production, name)
    };
    let services = scene.services.iter().filter(off);
    services
        .map(|(name, service)| {
            let what = format!("{name} is {} while the show is live", word(service.status));
            Found::new(name.as_str(), what)
        })
        .collect()
}

fn late(scene: &Scene<'_>) -> Vec<Found> {
    let (now, patience) = (scene.now, scene.settings.health_timeout);
    let services = scene.services.iter().filter(|(_, service)| service.status != Status::Down);
    services
        .filter_map(|(name, service)| {
            let away = service.away_since?.until(now);
            let why = service.error.as_deref().unwrap_or("no sign of life");
            let what =
                format!("{name} has been away for {} ms ({why}); healthTimeout is {}", away.0, patience.0);
            (away.0 > patience.0 / 2).then(|| Found::new(name.as_str(), what))
        })
        .collect()
}

fn no_standby(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { observation, lifecycle, .. } = scene;
    let since = lifecycle.live_since.filter(|_| lifecycle.phase == Phase::Live);
    if since.is_none_or(|since| since.plus(STANDBY_AFTER) > scene.now) {
        return Vec::new();
    }
    let alone = |(name, service): &&(String, Service)| {
        service.required && service.adapter == "agent" && observation.agents.get(name) == Some(&1)
    };
    let services = scene.services.iter().filter(alone);
    services
        .map(|(name, _)| {
            let what = format!("{name} is carried by 1 agent, and none stands by");
            Found::new(name.as_str(), what)
        })
        .collect()
}

fn parked(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { production, .. } = *scene;
    let documents = production.collection(server::BACKENDS).into_iter().flat_map(crate::Documents::iter);
    let backends = documents.filter_map(|(id, _)| Some((id.as_str(), production.backend(id.as_str())?)));
    backends
        .filter(|(_, backend)| backend.status == Delivery::Parked)
        .map(|(name, Backend { lag, last_error, .. })| {
            let why = last_error.unwrap_or_else(|| "it did not say why".into());
            Found::new(name, format!("{name} takes nothing, {lag} deliveries wait: {why}"))
        })
        .collect()
}

fn may_be_on(scene: &Scene<'_>) -> Vec<Found> {
    let lifecycle = &scene.lifecycle;
    if lifecycle.sequence.is_some() || lifecycle.phase == Phase::Live {
        return Vec::new();
    }
    let services = scene.services.iter().filter(|(_, service)| service.uncertain);
    services
        .map(|(name, _)| {
            let what = format!("{name} was asked to go off and nobody knows whether it did");
            Found::new(name.as_str(), what)
        })
        .collect()
}
