//! How many connections the file descriptors of this process allow.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are kept back for logs, sockets that listen, and calls of components to other servers.
const RESERVE: usize = 128;

/// Raises the limit of open files as far as the process may, and returns it.
pub(crate) fn raise_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Some systems allow less than their own hard limit; then the present one stays.
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    current.map_or(usize::MAX, |it| usize::try_from(it).unwrap_or(usize::MAX))
}

/// How many clients may be connected: as many as wanted, or what the limit of open files leaves beside the connections
/// to PostgreSQL and the reserve; a quarter of that limit where it leaves less.
pub(crate) fn most_clients(wanted: usize, open_files: usize, database: usize) -> usize {
    let left = open_files.saturating_sub(database.saturating_add(RESERVE));
    wanted.min(left.max(open_files / 4)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_leave_descriptors_for_the_host_itself() {
        let check = |wanted, open_files, database, expected| {
            let most = most_clients(wanted, open_files, database);
            assert_eq!(most, expected, "{wanted} of {open_files}");
        };
        check(1024, 1_048_576, 64, 1024);
        check(1024, usize::MAX, 64, 1024);
        check(1024, 1024, 64, 832);
        check(1024, 256, 64, 64);
        check(1024, 256, 10_000, 64);
        check(1024, 1, 64, 1);
        check(0, 1024, 64, 1);
    }
}
