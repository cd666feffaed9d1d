//! Small injected faults, one for each rule that the oracle keeps: what shows that it would notice.
//!
//! An engine with wrong beliefs is made by spoiling what it loads; a driver or store that breaks its contract by
//! spoiling what it stores.

mod commit;
mod load;

use hcndc_core::engine::Order;

use super::world::World;

/// What is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// The engine forgets, at a load, which jobs its jobs wait for.
    EngineForgetsDependencies,
    /// The engine forgets, at a load, which flows its flows wait for.
    EngineForgetsParents,
    /// The engine forgets, at a load, how many runs of a flow may run.
    EngineForgetsPlaces,
    /// The engine believes, at a load, that all flows have reached all dates.
    EngineOpensGates,
    /// The engine takes, at a load, any date that a job asks for to be its own.
    EngineForgetsOffsets,
    /// The engine waits, at a load, for nothing outside.
    EngineForgetsPatience,
    /// The engine runs what should have joined another run.
    EngineJoinsNothing,
    /// The engine has flow runs join whatever they could run beside.
    EngineJoinsAnything,
    /// What has joined a run succeeds whatever becomes of that.
    EngineSharesNoFailure,
    /// The engine forgets, at a load, that schedules have fired.
    EngineForgetsFirings,
    /// The engine believes, at a load, that schedules have fired for what is to come.
    EngineSkipsTimes,
    /// The engine fires, after a load, however late it is.
    EngineForgetsGrace,
    /// The engine forgets, at a load, how many executions of a schedule may be live.
    EngineForgetsInstances,
    /// The engine forgets, at a load, that schedules are paused.
    EngineFiresWhilePaused,
    /// Two fire times become one.
    EngineDoublesTimes,
    /// What became of fire times is not stored.
    StoreLosesFirings,
    /// The engine forgets, at a load, which files came.
    EngineForgetsFiles,
    /// The engine raises nothing.
    EngineRaisesNothing,
    /// The engine raises all alerts of a rule for one cause.
    EngineRaisesTwice,
    /// That somebody cares for an alert is not stored.
    StoreForgetsAcknowledgements,
    /// The engine does not say of an alert that others were told of it.
    EngineForgetsEscalations,
    /// People are not told, and the engine hears that they were.
    NotifierTellsNobody,
    /// The engine runs what failed of a flow run again for ever.
    EngineRestartsForEver,
    /// The engine believes, at a load, that pools have ten times their slots.
    EngineMultipliesPools,
    /// The engine forgets, at a load, what is alive, and queues it anew.
    EngineForgetsAttempts,
    /// The engine believes, at a load, that executors have ten times their slots.
    EngineMultipliesSlots,
    /// The engine forgets, at a load, that executions are paused.
    EngineForgetsPauses,
    /// The engine tries again what people killed.
    EngineRetriesKilled,
    /// The engine leaves nothing out, whatever it was asked for.
    EngineStartsTooMuch,
    /// The engine runs what was left out.
    EngineRunsLeftOut,
    /// The engine forgets, at a load, that it was asked for some jobs only.
    EngineForgetsParts,
    /// What people made good revives nothing.
    EngineForgetsRevivals,
    /// A resume runs again what a rerun would.
    EngineResumesTooMuch,
    /// A reset leaves what succeeded as it is.
    EngineResetsHalf,
    /// Nothing that people do to executions is recorded.
    StoreLosesActions,
    /// The engine runs what is stopped, as far as anybody knows.
    EngineForgetsStops,
    /// The engine grants itself, at a load, more retries than there are.
    EngineRetriesForEver,
    /// Dates of backfills begin though others have failed.
    EngineFillsAfterFailures,
    /// The engine believes, at a load, that backfills may run ten times as many dates at once.
    EngineWidensBackfills,
    /// The engine, or whoever stores for it, never moves a data date.
    EngineForgetsDates,
    /// Flow runs succeed as soon as they start.
    EngineEndsFlowsEarly,
    /// The store says that it stored what it did not.
    StoreLosesCommits,
    /// The store stores the first half of large commits.
    StoreTearsCommits,
    /// The store takes commits under any fence.
    StoreTakesAnyFence,
    /// Attempts are not stored, so orders are given for what is not.
    StoreLosesAttempts,
    /// The executor runs an attempt again when the order comes again.
    ExecutorRunsTwice,
    /// The executor obeys any fence.
    ExecutorObeysAnyone,
    /// The executor reports every end as a success.
    ExecutorReportsSuccess,
    /// Ends of attempts are stored as other ends.
    StoreTurnsEnds,
    /// Nothing that a person stops is stored.
    StoreLosesStops,
    /// The executor never says that an attempt ended, and never ends one.
    ExecutorNeverEnds,
    /// What executors say is not recorded.
    RecordingForgetsReports,
    /// The engine forgets, at a load, how long runs of a flow may take.
    EngineForgetsTimeouts,
    /// The engine goes on with flow runs that are cut off, as far as anybody knows.
    EngineGoesOnWhenCutOff,
    /// The engine forgets, at a load, on which days schedules fire.
    EngineForgetsDays,
    /// The engine forgets, at a load, which days are business days.
    EngineForgetsCalendars,
    /// The engine forgets, at a load, the last date for which schedules fired.
    EngineForgetsReached,
    /// The engine believes, at a load, that schedules have fired for dates to come.
    EngineSkipsDates,
    /// The engine believes that ten times as many jobs may run at once.
    EngineMultipliesMost,
    /// Executions end though something of them is alive.
    EngineEndsExecutionsEarly,
    /// Executions that fail are stored as having succeeded.
    StoreTurnsExecutions,
    /// Parts are stored as if they were whole.
    StoreForgetsParts,
    /// What people start is stored twice.
    StoreDoublesExecutions,
    /// The notifier is given what is not stored.
    NotifierTellsTooEarly,
    /// The executor says that attempts have ended while they run.
    ExecutorEndsEarly,
    /// The resolver gives other values than data sources gave.
    ResolverMixesValues,
    /// Orders to run go out as if nothing had been asked.
    EngineForgetsValues,
    /// Orders to run are for other attempts than were answered.
    EngineRunsUnanswered,
    /// The engine forgets, at a load, what jobs have put out.
    EngineForgetsOutputs,
    /// The engine forgets, at a load, which data sources are out of reach.
    EngineForgetsOutages,
}

impl World {
    /// Spoils an order that has arrived.
    pub(crate) fn spoil_order(&self, mut order: Order) -> Order {
        if let Order::Run(run) = &mut order {
            match self.sabotage {
                Some(Sabotage::EngineForgetsValues) => {
                    run.args.iter_mut().for_each(|arg| arg.value.clear());
                }
                Some(Sabotage::EngineRunsUnanswered) => run.attempt.0 += 1,
                _ => {}
            }
        }
        order
    }

    pub(crate) fn obeys_anyone(&self) -> bool {
        self.sabotage == Some(Sabotage::ExecutorObeysAnyone)
    }
}
