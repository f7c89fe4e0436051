mod drain;
mod figures;
mod idle;
mod queue;

use anyhow::Result;
use stack::{context::Context, database::Database, home::Home};
use terminal::output;

use crate::figures::medians;
use crate::measure::{check_commits, in_scratch};
use crate::peers;
use figures::{Figures, Ratios};
use queue::Setting;

/// What `bench chunks` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Chunks to drain at each setting; five times as many in batches of 10 and more, so that it takes seconds.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000), value_name = "N")]
    chunks: u32,
    /// Batch sizes to measure.
    #[arg(long, value_delimiter = ',', default_value = "1,10,100", value_parser = clap::value_parser!(u32).range(1..=1_000), value_name = "N,N")]
    batch: Vec<u32>,
    /// Numbers of calls at once to measure.
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,8", value_parser = clap::value_parser!(u32).range(1..=64), value_name = "N,N")]
    parallel: Vec<u32>,
    /// Numbers of syncs over which to spread the chunks.
    #[arg(long, value_delimiter = ',', default_value = "1,20", value_parser = clap::value_parser!(u32).range(1..=1_000), value_name = "N,N")]
    syncs: Vec<u32>,
    /// Lengths of the queue at which to measure how long a claim takes, such as 10000,1000000.
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1_000..=10_000_000), value_name = "N,N")]
    sizes: Vec<u32>,
    /// Numbers of chunks added per second at which to measure how long one waits.
    #[arg(long, value_delimiter = ',', default_value = "10,100,1000", value_parser = clap::value_parser!(u32).range(1..=10_000), value_name = "N,N")]
    rates: Vec<u32>,
    /// How often to measure each setting, and each other queue, by turns; the medians are shown.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=25), value_name = "N")]
    rounds: u32,
    /// Measure other queues on the same server, too; installs them from their registries first.
    #[arg(long)]
    peers: bool,
}

/// So many times as many chunks are drained where each is a small part of a batch.
const IN_BATCHES: u32 = 5;

impl Args {
    /// How many chunks are drained at a setting.
    fn chunks(&self, setting: Setting) -> u32 {
        match setting.batch {
            Some(10..) => self.chunks * IN_BATCHES,
            _ => self.chunks,
        }
    }

    /// What is measured: each batch size with all other settings as an installation begins with, then with each number of calls.
    fn settings(&self) -> Vec<Setting> {
        let of = |syncs, batch, parallel| Setting {
            syncs,
            batch: Some(batch),
            parallel,
        };
        let mut settings = Vec::new();
        for &syncs in &self.syncs {
            settings.extend(self.batch.iter().map(|&batch| of(syncs, batch, None)));
            for &batch in &self.batch {
                let tuned = self.parallel.iter();
                settings.extend(tuned.map(|&parallel| of(syncs, batch, Some(parallel))));
            }
        }
        settings
    }
}

/// Measures in databases of its own, a new one for each figure, so that none suffers from the one before.
pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    home.check_components()?;
    if args.peers {
        peers::check(&home)?;
    }
    let figures = Database::around(context, &home, async |database| {
        measure(&args, context, &home, database).await
    })
    .await?;
    context.output.result(&figures, || figures.text())
}

async fn measure(
    args: &Args,
    context: &Context,
    home: &Home,
    database: &Database,
) -> Result<Figures> {
    check_commits(database).await?;
    output::note("Letting a host idle for a minute.");
    // Idle first: later, vacuum would be at work.
    let idle = in_scratch(context, database, async |it| idle::queries(home, it).await).await?;
    let mut latencies = Vec::new();
    for &rate in &args.rates {
        output::note(&format!("Adding {rate} chunks a second."));
        let latency = in_scratch(context, database, async |it| {
            idle::latency(home, it, rate).await
        });
        latencies.push(latency.await?);
    }
    let (mut drains, mut peers) = (Vec::new(), Vec::new());
    for round in 1..=args.rounds {
        for setting in args.settings() {
            let parallel = setting.parallel.map_or_else(
                || "default settings".to_owned(),
                |it| format!("{it} at once"),
            );
            output::note(&format!(
                "Round {round} of {}: draining {} chunks of {} syncs, batch {}, {parallel}.",
                args.rounds,
                args.chunks(setting),
                setting.syncs,
                setting.batch.unwrap_or(1),
            ));
            let drain = in_scratch(context, database, async |it| {
                drain::all(home, it, args.chunks(setting), setting).await
            });
            drains.push(drain.await?);
        }
        if args.peers {
            output::note("Draining the same by other queues.");
            let measuring = peers::run(home, database.address(), args.chunks);
            peers.extend(context.interrupt.guard(measuring).await?);
        }
    }
    let mut claims = Vec::new();
    for &size in &args.sizes {
        output::note(&format!("Claiming with {size} chunks in the queue."));
        claims.push(in_scratch(context, database, async |it| queue::claim(it, size).await).await?);
    }
    output::note("Draining under a pinned snapshot.");
    let pinned = in_scratch(context, database, async |it| {
        drain::pinned(home, it, args.chunks).await
    })
    .await?;
    let drains = medians(
        drains,
        |it| (it.is_default, it.syncs, it.batch, it.parallel),
        |it| it.cost.per_second,
    );
    let peers = medians(
        peers,
        |it| (it.peer.clone(), it.setting.clone()),
        |it| it.per_second,
    );
    let ratios = Ratios::of(&drains, &peers);
    Ok(Figures {
        chunks: args.chunks,
        ratios,
        drains,
        latencies,
        idle,
        claims,
        pinned,
        peers,
    })
}
