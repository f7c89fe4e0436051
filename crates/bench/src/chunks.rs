mod drain;
mod figures;
mod idle;
mod queue;

use anyhow::Result;
use stack::{context::Context, database::Database, home::Home};
use terminal::output;

use crate::measure::{check_commits, in_scratch};
use crate::peers;
use figures::Figures;
use queue::Setting;

/// What `bench chunks` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Chunks to drain at each setting.
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
    /// Measure other queues on the same server, too; installs them from their registries first.
    #[arg(long)]
    peers: bool,
}

impl Args {
    /// What is measured: the settings that an installation begins with, then each combination of those given.
    fn settings(&self) -> Vec<Setting> {
        let tuned = self.batch.iter().flat_map(|&batch| {
            let parallel = self.parallel.iter();
            parallel.map(move |&parallel| Some((batch, parallel)))
        });
        let tuned: Vec<_> = std::iter::once(None).chain(tuned).collect();
        let syncs = self.syncs.iter();
        syncs
            .flat_map(|&syncs| tuned.iter().map(move |&tuned| Setting { syncs, tuned }))
            .collect()
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
    output::note("Starting chunks one at a time.");
    let latency = in_scratch(context, database, async |it| idle::latency(home, it).await).await?;
    let mut drains = Vec::new();
    for setting in args.settings() {
        let how = match setting.tuned {
            None => "default settings".to_owned(),
            Some((batch, parallel)) => format!("batch {batch}, {parallel} at once"),
        };
        output::note(&format!(
            "Draining {} chunks of {} syncs, {how}.",
            args.chunks, setting.syncs
        ));
        let drain = in_scratch(context, database, async |it| {
            drain::all(home, it, args.chunks, setting).await
        });
        drains.push(drain.await?);
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
    let peers = if args.peers {
        output::note("Draining the same by other queues.");
        context
            .interrupt
            .guard(peers::run(home, database.address(), args.chunks))
            .await?
    } else {
        Vec::new()
    };
    Ok(Figures {
        chunks: args.chunks,
        drains,
        latency,
        idle,
        claims,
        pinned,
        peers,
    })
}
