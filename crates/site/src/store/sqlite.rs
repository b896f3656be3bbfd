//! The store as one SQLite file: write-ahead log, every commit synced.
//!
//! In: batches of changes. Out: facts. Never: a second writer (the state directory is locked).

use super::rows::{self, LeaseRow, Rows, Table};
use super::schema::{self, Stage, Step};
use super::{Facts, StoreError};
use model::{Change, Lease, Now};
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// In the state directory.
pub(crate) const FILE_NAME: &str = "bootwright.db";

/// The row of `meta` with the highest moment of any batch.
const MOMENT: &str = "moment";

/// Rows that go into one statement: a call costs as much as writing many rows.
const ROWS_AT_ONCE: usize = 32;

/// A SQLite file. Between a failure and [`Sqlite::reopen`] it has no connection.
pub(crate) struct Sqlite {
    path: PathBuf,
    connection: Option<SqliteConnection>,
    lease: Upsert,
    document: [Upsert; 7],
}

impl Sqlite {
    /// Opens the file, or makes it, checks all of it, and brings its tables up to date.
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_at(path, schema::STEPS, &mut |_| {}).await
    }

    /// As [`Self::open`], for a list of schema steps, telling how far the upgrade is.
    pub(crate) async fn open_at(
        path: &Path,
        steps: &[Step],
        at: &mut (dyn FnMut(Stage) + Send),
    ) -> Result<Self, StoreError> {
        let mut connection = connect(path).await?;
        schema::bring_up(&mut connection, path, steps, at).await?;
        let columns =
            ["network", "hardware", "client_id", "host_name", "since", "until", "state", "sum"];
        Ok(Self {
            path: path.to_owned(),
            connection: Some(connection),
            lease: Upsert::new("lease", "address", &columns),
            document: DOCUMENTS.map(|table| Upsert::new(table.name(), "key", &["body", "sum"])),
        })
    }

    /// See [`super::Store::reopen`].
    pub(crate) async fn reopen(&mut self) -> Result<(), StoreError> {
        if let Some(connection) = self.connection.take() {
            // It failed before; whatever it says now adds nothing.
            let _ = connection.close().await;
        }
        let mut connection = connect(&self.path).await?;
        schema::bring_up(&mut connection, &self.path, schema::STEPS, &mut |_| {}).await?;
        self.connection = Some(connection);
        Ok(())
    }

    /// See [`super::Store::close`].
    pub(crate) async fn close(mut self) {
        if let Some(connection) = self.connection.take() {
            // Everything acknowledged was synced; closing only tidies up.
            let _ = connection.close().await;
        }
    }

    /// See [`super::Store::keep`].
    pub(crate) async fn keep(&mut self, now: Now, changes: &[Change]) -> Result<(), StoreError> {
        let wrong = failed("write to", &self.path);
        // Taken out: it comes back only if all went well.
        let mut connection =
            self.connection.take().ok_or_else(|| wrong(sqlx::Error::PoolClosed))?;
        let rows = Rows::of(changes).map_err(StoreError::Unwritable)?;
        let mut work = connection.begin_with("BEGIN IMMEDIATE").await.map_err(&wrong)?;
        self.write(&mut work, now, rows).await.map_err(&wrong)?;
        work.commit().await.map_err(&wrong)?;
        self.connection = Some(connection);
        Ok(())
    }

    async fn write(
        &self,
        work: &mut SqliteConnection,
        now: Now,
        mut rows: Rows<'_>,
    ) -> Result<(), sqlx::Error> {
        let moment = now.0.to_string();
        rows.documents.entry(Table::Meta).or_default().insert(MOMENT.to_owned(), Some(moment));

        let mut kept = Vec::new();
        for (address, lease) in rows.leases {
            match lease {
                Some(lease) => kept.push(LeaseRow::from(lease)),
                None => self.lease.delete(work, address.to_string()).await?,
            }
        }
        self.lease.put(work, kept, bind_lease).await?;

        for (table, documents) in rows.documents {
            let upsert = self.document_upsert(table);
            let mut kept = Vec::new();
            for (key, body) in documents {
                match body {
                    Some(body) => kept.push((key, body)),
                    None => upsert.delete(work, key).await?,
                }
            }
            upsert.put(work, kept, bind_document).await?;
        }
        Ok(())
    }

    fn document_upsert(&self, table: Table) -> &Upsert {
        let [machine, profile, rules, menu, image, loader, meta] = &self.document;
        match table {
            Table::Machine => machine,
            Table::Profile => profile,
            Table::Rules => rules,
            Table::Menu => menu,
            Table::Image => image,
            Table::Loader => loader,
            Table::Meta => meta,
        }
    }

    /// See [`super::Store::load`].
    pub(crate) async fn load(&mut self) -> Result<Facts, StoreError> {
        let wrong = failed("read", &self.path);
        let connection = self.connection.as_mut().ok_or_else(|| wrong(sqlx::Error::PoolClosed))?;
        let damaged = |table: &str, what: String| StoreError::Damaged {
            path: self.path.clone(),
            what: format!("table `{table}`: {what}"),
        };

        let mut facts = Facts::default();
        for row in sqlx::query(
            "SELECT address, network, hardware, client_id, host_name, since, until, state, sum \
             FROM lease",
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(&wrong)?
        {
            let lease = read_lease(&row).map_err(|what| damaged("lease", what))?;
            facts.changes.push(Change::Lease(lease));
        }
        for table in Table::FACTS {
            for (key, body) in documents(connection, &self.path, table).await? {
                let change = rows::read(table, &key, &body)
                    .map_err(|what| damaged(table.name(), format!("row `{key}`: {what}")))?;
                facts.changes.push(change);
            }
        }
        for (key, body) in documents(connection, &self.path, Table::Meta).await? {
            if key == MOMENT {
                facts.moment = body.parse().map(Now).map_err(|_| {
                    damaged("meta", format!("the last moment is no number: `{body}`"))
                })?;
            }
        }
        Ok(facts)
    }
}

/// In the order of [`Sqlite::document`].
const DOCUMENTS: [Table; 7] = [
    Table::Machine,
    Table::Profile,
    Table::Rules,
    Table::Menu,
    Table::Image,
    Table::Loader,
    Table::Meta,
];

/// Opens the file with everything that keeping a promise needs, and checks it.
async fn connect(path: &Path) -> Result<SqliteConnection, StoreError> {
    create(path)?;
    let wrong = failed("open", path);
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        .pragma("cell_size_check", "ON")
        .pragma("trusted_schema", "OFF")
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging()
        .connect()
        .await
        .map_err(&wrong)?;

    let found: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(3)")
        .fetch_all(&mut connection)
        .await
        .map_err(&wrong)?;
    if found != ["ok"] {
        return Err(StoreError::Damaged { path: path.to_owned(), what: found.join("; ") });
    }
    // Moves everything from the log into the file and syncs that. After a sync that failed the
    // log may be on disk only in part, and a second sync of it would not notice; what is moved is
    // written anew. A full disk may leave it in the log, where it was synced.
    match sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&mut connection)
        .await
        .map_err(&wrong)
    {
        Ok(_) | Err(StoreError::Full { .. }) => Ok(connection),
        Err(error) => Err(error),
    }
}

/// Makes an empty file, because SQLite would make it readable by others; its log takes its mode.
fn create(path: &Path) -> Result<(), StoreError> {
    let failed = |cause| StoreError::Io { doing: "create", path: path.to_owned(), cause };
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => schema::sync_directory(path).map_err(failed),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(failed(e)),
    }
}

/// Sorts an error of SQLite by whose fault it is.
pub(crate) fn failed(
    doing: &'static str,
    path: &Path,
) -> impl Fn(sqlx::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |cause| {
        let path = path.clone();
        // The low byte is the primary code (sqlite.org/rescode.html).
        let code = cause.as_database_error().and_then(|e| e.code()?.parse::<u32>().ok());
        match (code.map(|code| code & 0xff), &cause) {
            (Some(13), _) => StoreError::Full { path },
            (Some(11), _) => StoreError::Damaged { path, what: cause.to_string() },
            (Some(26), _) => {
                StoreError::Damaged { path, what: "it is no SQLite database".to_owned() }
            }
            (_, sqlx::Error::ColumnDecode { .. }) => {
                StoreError::Damaged { path, what: cause.to_string() }
            }
            _ => StoreError::Database { doing, path, cause },
        }
    }
}

/// All rows of a table of documents, each checked against its sum.
async fn documents(
    connection: &mut SqliteConnection,
    path: &Path,
    table: Table,
) -> Result<Vec<(String, String)>, StoreError> {
    let wrong = failed("read", path);
    let select = format!("SELECT key, body, sum FROM {}", table.name());
    let read = |row: SqliteRow| -> Result<(String, String), String> {
        let key: String = row.try_get(0).map_err(|e| e.to_string())?;
        let body: String = row.try_get(1).map_err(|e| e.to_string())?;
        let sum: i64 = row.try_get(2).map_err(|e| e.to_string())?;
        if sum != rows::sum(&key, &body) {
            return Err(format!(
                "row `{}` does not fit its checksum",
                model::text::show(key.as_bytes())
            ));
        }
        Ok((key, body))
    };
    // Safe: the name of the table is ours.
    let found = sqlx::query(AssertSqlSafe(select)).fetch_all(connection).await.map_err(&wrong)?;
    let read = found.into_iter().map(read).collect::<Result<_, _>>();
    read.map_err(|what| StoreError::Damaged {
        path: path.to_owned(),
        what: format!("table `{}`: {what}", table.name()),
    })
}

fn read_lease(row: &SqliteRow) -> Result<Lease, String> {
    let read = || -> Result<(LeaseRow, i64), sqlx::Error> {
        let lease = LeaseRow {
            address: row.try_get(0)?,
            network: row.try_get(1)?,
            hardware: row.try_get(2)?,
            client_id: row.try_get(3)?,
            host_name: row.try_get(4)?,
            since: row.try_get(5)?,
            until: row.try_get(6)?,
            state: row.try_get(7)?,
        };
        Ok((lease, row.try_get(8)?))
    };
    let (lease, sum) = read().map_err(|e| e.to_string())?;
    if lease.sum() != sum {
        let shown = model::text::show(lease.address.as_bytes());
        return Err(format!("row `{shown}` does not fit its checksum"));
    }
    Lease::try_from(lease)
}

type Statement<'q> = Query<'q, sqlx::Sqlite, SqliteArguments>;

fn bind_lease(to: Statement<'_>, row: LeaseRow) -> Statement<'_> {
    let sum = row.sum();
    to.bind(row.address)
        .bind(row.network)
        .bind(row.hardware)
        .bind(row.client_id)
        .bind(row.host_name)
        .bind(row.since)
        .bind(row.until)
        .bind(row.state)
        .bind(sum)
}

fn bind_document(to: Statement<'_>, (key, body): (String, String)) -> Statement<'_> {
    let sum = rows::sum(&key, &body);
    to.bind(key).bind(body).bind(sum)
}

/// The statements that write the rows of one table: one row, many rows, no row.
struct Upsert {
    one: Arc<str>,
    many: Arc<str>,
    delete: Arc<str>,
}

impl Upsert {
    fn new(table: &str, key: &str, columns: &[&str]) -> Self {
        Self {
            one: upsert(table, key, columns, 1).into(),
            many: upsert(table, key, columns, ROWS_AT_ONCE).into(),
            delete: format!("DELETE FROM {table} WHERE {key} = $1").into(),
        }
    }

    async fn put<R>(
        &self,
        work: &mut SqliteConnection,
        rows: Vec<R>,
        bind: for<'q> fn(Statement<'q>, R) -> Statement<'q>,
    ) -> Result<(), sqlx::Error> {
        let mut rows = rows.into_iter();
        // Safe, here and below: the statements are made of names that are ours.
        while rows.len() >= ROWS_AT_ONCE {
            let statement = sqlx::query(AssertSqlSafe(Arc::clone(&self.many)));
            rows.by_ref().take(ROWS_AT_ONCE).fold(statement, bind).execute(&mut *work).await?;
        }
        for row in rows {
            let statement = sqlx::query(AssertSqlSafe(Arc::clone(&self.one)));
            bind(statement, row).execute(&mut *work).await?;
        }
        Ok(())
    }

    async fn delete(&self, work: &mut SqliteConnection, key: String) -> Result<(), sqlx::Error> {
        let statement = sqlx::query(AssertSqlSafe(Arc::clone(&self.delete)));
        statement.bind(key).execute(work).await.map(|_| ())
    }
}

/// `INSERT … VALUES ($1, …), … ON CONFLICT (key) DO UPDATE SET …`, which SQLite and PostgreSQL read
/// alike as long as no key is in it twice.
fn upsert(table: &str, key: &str, columns: &[&str], rows: usize) -> String {
    let width = columns.len() + 1;
    let values: Vec<String> = (0..rows)
        .map(|row| {
            let marks: Vec<String> =
                (1..=width).map(|column| format!("${}", row * width + column)).collect();
            format!("({})", marks.join(", "))
        })
        .collect();
    let updates: Vec<String> = columns.iter().map(|c| format!("{c} = excluded.{c}")).collect();
    format!(
        "INSERT INTO {table} ({key}, {}) VALUES {} ON CONFLICT ({key}) DO UPDATE SET {}",
        columns.join(", "),
        values.join(", "),
        updates.join(", ")
    )
}
