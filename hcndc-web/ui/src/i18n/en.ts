export default {
  app: { tagline: 'Schedules meshes of ETL jobs', skip: 'To the content', menu: 'Menu' },
  menu: {
    watch: 'Watch', define: 'Define', connect: 'Connect', manage: 'Manage',
    home: 'Overview', execute: 'Executions', interface: 'Flows', job: 'Jobs', dispatch: 'Schedules', backfill: 'Backfills',
    forecast: 'Forecast', dispatchAlert: 'Schedule alerts', baseAlert: 'Alert channels', executor: 'Executors', params: 'Shared params',
    datasource: 'Data sources', ftp: 'File servers', ftpEvent: 'File events', calendar: 'Calendars', pool: 'Pools',
    user: 'Users', role: 'Roles', token: 'API tokens', audit: 'Audit trail', server: 'Servers', graph: 'Mesh of flows', alert: 'Alerts',
  },
  user: {
    language: 'Language', theme: 'Theme', auto: 'As the system', light: 'Light', dark: 'Dark', zone: 'Time zone', browserZone: 'Browser’s zone',
    signOut: 'Sign out', changePassword: 'Change password', open: 'No sign-in', api: 'API documentation', newPassword: 'New password', newPasswordText: 'Makes a password for one use and ends all sessions of the user. It is shown once.', openNote: 'This server asks nobody to sign in: it only listens on this machine.',
  },
  login: {
    title: 'Sign in', account: 'Account', password: 'Password', submit: 'Sign in', again: 'Your session has ended',
    againNote: 'Sign in again to go on. What you have entered is still here.', first: 'The first start of the server printed a one-time password for the account “admin”.',
    change: 'Choose a new password', changeNote: 'The password you were given works once. Choose one of your own, of at least 12 characters.',
    old: 'Current password', fresh: 'New password', repeat: 'New password once more', differ: 'The two are not the same.', save: 'Save password', changed: 'The password is changed; all other sessions of yours have ended.',
  },
  common: {
    search: 'Search', refresh: 'Refresh', new: 'New', edit: 'Edit', delete: 'Delete', save: 'Save', cancel: 'Cancel', close: 'Close', back: 'Back', more: 'More',
    previous: 'Previous', next: 'Next', first: 'First page', copy: 'Copy', copied: 'Copied', all: 'All', none: 'None', any: 'Any', yes: 'Yes', no: 'No', on: 'On', off: 'Off',
    enabled: 'Enabled', disabled: 'Disabled', name: 'Name', description: 'Description', directory: 'Directory', version: 'Version {n}', updated: 'Changed', updatedBy: '{at} by {by}', created: 'Created',
    loading: 'Loading', retry: 'Try again', nothing: 'Nothing here yet', noMatch: 'Nothing matches these filters', clearFilters: 'Clear filters', columns: 'Columns', selected: '{n} selected', rows: '{n} on this page', select: 'Select', selectAll: 'Select all on this page',
    add: 'Add', remove: 'Remove', value: 'Value', key: 'Name', required: 'Required', saved: 'Saved', deleted: 'Deleted', unsaved: 'Leave without saving what you have changed?', leave: 'Leave', stay: 'Stay',
    details: 'Details', general: 'General', advanced: 'More settings', usedBy: 'Used by', unused: 'Nothing uses it', of: '{a} of {b}', actions: 'Actions', filter: 'Filter', id: 'Id', today: 'Today', showAll: 'Show all', by: 'by {who}',
    sortedUp: 'sorted upwards', sortedDown: 'sorted downwards', notHere: 'This server does not offer this page yet.', unknownPage: 'There is no page at this address', forbidden: 'Your account lacks the permission “{permission}”.', toHome: 'To the overview', up: 'Move up', down: 'Move down',
  },
  trial: {
    title: 'Test', run: 'Test now', protocol: 'protocol {version}', good: 'It works', bad: 'It does not work', noFiles: 'No file fits now', used: 'used before', unfit: 'its name tells no date', incomplete: 'not complete yet',
  },
  problem: {
    unreachable: 'The server cannot be reached', unreachableDetail: 'Check that it runs and that your network is up; then try again.', faults: 'What to put right', stale: 'Somebody else has changed this meanwhile.', reload: 'Load what is stored', in_use: 'Still used by', unexpected: 'Unexpected answer',
  },
  state: {
    succeeded: 'Succeeded', failed: 'Failed', upstream_failed: 'Upstream failed', timed_out: 'Timed out', lost: 'Lost', not_started: 'Not started', running: 'Running', dispatched: 'Dispatched', queued: 'Queued', blocked: 'Blocked', waiting: 'Waiting', retry_wait: 'Waits for retry', paused: 'Paused', stopping: 'Stopping', stopped: 'Stopped', killed: 'Killed', skipped: 'Skipped', joined: 'Joined',
  },
  tone: { succeeded: 'succeeded', failed: 'failed', running: 'running', waiting: 'waiting', paused: 'waits for retry', stopped: 'killed', skipped: 'skipped' },
  trigger: { manual: 'By hand', schedule: 'Schedule', file: 'File', data_date: 'Data date', backfill: 'Backfill' },
  home: {
    title: 'Overview', today: 'Started today', running: 'Running now', failed: 'Failed', noFailed: 'Nothing has failed today.', noRunning: 'Nothing runs at the moment.', executors: 'Executors', online: 'online', offline: 'offline', slots: '{used} of {all} slots', load: 'load {n}', memory: '{n} memory free', disk: '{n} disk free', why: 'Why?', open: 'Open', lastLines: 'Last lines of output', fix: 'Fix the job', resume: 'Resume', next: 'Next firings', noNext: 'No schedule fires soon.', heat: 'Last 30 days by flow', late: 'Late', alerts: 'Open alerts', noAlerts: 'No open alerts.', trend: 'Durations', jobs: '{done} of {total} jobs', welcome: 'Start here', welcomeText: 'Nothing has run yet. Define a flow with jobs, or import a mesh file with “hcndc import”; then run it.', newFlow: 'New flow', holds: 'holds up {n} more', heatCell: '{flow}, {date}: {succeeded} succeeded, {failed} failed', noHeat: 'Nothing has run in the last 30 days.',
  },
  execution: {
    title: 'Executions', one: 'Execution {id}', state: 'State', flows: 'Flows', dataDate: 'Data date', trigger: 'Trigger', started: 'Started', ended: 'Ended', took: 'Took', progress: 'Progress', startedBy: 'Started by', partial: 'some jobs only', partialHelp: 'Started for some of its jobs only: it moves no data date.', flow: 'Flow', from: 'Data date from', to: 'to', empty: 'Nothing has been started yet', emptyHelp: 'Open a flow and run it; or give it a schedule.', live: 'Live',
    jobs: 'Jobs', gantt: 'Gantt', topology: 'Topology', history: 'What people did', params: 'Params', noParams: 'Started without params of its own.', job: 'Job', attempt: 'Attempt', exit: 'Exit code', queued: 'Queued', noActions: 'Nobody has intervened.', flowRuns: 'Flow runs', restarts: 'restarts: {n}', joinedTo: 'shares the end of flow run {id}', timedOut: 'took longer than its timeout', whatFailed: 'What failed', heldUp: 'jobs held up: {n}', flowsMore: 'and {n} more', schedule: 'Schedule {id}', leftOut: 'left out of this start', critical: 'on the critical path',
  },
  backfill: {
    new: 'Backfill', title: 'New backfill', one: 'Backfill {id}', note: 'Runs a flow for a range of past dates, each date an execution of its own, in their order.', flow: 'Flow', flowHelp: 'Each date runs this flow.', range: 'Dates', rangeHelp: 'The first and the last data date; at most 3,660 in all.', from: 'First date', to: 'Last date', parallel: 'Dates at once', parallelHelp: '1: each date waits for the end of the one before. Up to 366.', downstream: 'With all flows downstream', plan: 'What it will do', planWaits: 'Choose a flow and its dates; what would run is then shown here. Nothing starts yet.', dates: 'Dates', executions: 'Executions', flows: 'Flows of each', jobRuns: 'Job runs in all', jobs: '{n} jobs', start: 'Start', confirm: 'Starts {executions} executions for {from} to {to}, with {jobRuns} job runs in all, {parallel} at once.', started: 'Backfill {id} has started', empty: 'No backfill yet', emptyHelp: 'When dates were missed, or a flow was corrected, run it for them again: each date an execution of its own.', stop: 'Stop', stopText: 'Stops the {running} executions that run and begins none of the {waiting} dates that wait. It can be restarted later.', restart: 'Go on', restartText: 'Begins the {n} dates anew that have not succeeded. Those that have are left alone.', dateCell: '{date}: {state}', restarts: 'Restarts', stoppedBy: 'Stopped by',
  },
  forecast: {
    title: 'Forecast', note: 'What will run when, by the definitions and the state of now. Nothing is started.', horizon: 'How far', hours: '{n} hours', days: '{n} days', usual: 'Jobs take what they usually take', usualHelp: 'The middle of their latest runs, for up to 2,000 jobs; otherwise what their definitions expect, or else a minute.', connected: 'Only executors that are connected', lost: 'Without these executors', executions: 'Executions', lastEnd: 'The last ends', missed: 'Deadlines missed', open: 'Not ended by then', none: 'Nothing will run in this time', noneHelp: 'No schedule fires, and nothing waits. Give a flow a schedule, or look further ahead.', timeline: 'Timeline', filter: 'Find a flow', waits: 'waits', runs: 'runs', cut: 'It was broken off after 500,000 steps: what comes later is not shown.', moreRows: '{n} more flows; find them by name.', skipped: 'Fire times that start nothing', start: '“{schedule}” for {date} will not have started by {at}', finish: '“{schedule}” for {date} will not have succeeded by {at}', bar: '{flow}, {date}: {from} to {to}, {state}', notYet: 'not ended',
  },
  grid: { title: 'By date', note: 'How each flow last went for each data date. A cell opens its execution.', days: 'How many dates', earlier: 'Earlier dates', later: 'Later dates', last: 'Last date', cell: '{flow}, {date}: {state}, executions: {n}', none: '{flow}, {date}: nothing ran' },
  upload: { open: 'Upload', download: 'Download', title: 'Upload {kinds}', note: 'Makes and changes many at once by a sheet: all of its rows, or none.', templates: 'Start from a template; its header says what each column means. Or download what is there, change it, and upload it again.', template: 'Template ({format})', drop: 'Drop a csv, xlsx or xls file here', choose: 'Choose a file', another: 'Choose another file', faults: 'Nothing is written: put these right and choose the file again', cell: 'Cell', fault: 'What is wrong', remedy: 'What to do', preview: 'What it will do', row: 'Row', outcome: 'Outcome', changes: 'Changes', created: 'new', changed: 'changed', unchanged: 'unchanged', all: 'Unchanged rows too', nothing: 'It says nothing new', write: 'Write', confirm: 'Makes {created} and changes {changed}, in one step.', done: '{created} made, {changed} changed', leave: 'Nothing of this sheet is written yet. Leave?' },
  sheet: { name: 'Name', description: 'Description', directory: 'Directory', data_date: 'Data date', retries: 'Retries', depends_on: 'Depends on', flow: 'Flow', executor: 'Executor', workdir: 'Working directory', command: 'Command', params: 'Params', success_codes: 'Exit codes of success' },
  skip: { misfired: 'later than its grace allows', coalesced: 'a later one stands for it', max_instances: 'as many run as may', queue_full: 'as many wait as may', paused: 'its schedule is paused', changed: 'its schedule was changed', deleted: 'its schedule was deleted', excluded: 'not on a day of the schedule', flow_disabled: 'its flow is disabled', refused: 'its flow could not be started' },
  jobRun: {
    title: 'Job run {id}', why: 'Why', log: 'Log', attempts: 'Attempts', holds: 'What holds it', earliest: 'Earliest start', executor: 'Executor', pid: 'Process', peak: 'Peak memory', cpu: 'Processor time', logBytes: 'Output', signal: 'Signal', reason: 'Reason', noAttempts: 'It has not been tried yet.', editJob: 'Edit the job', number: 'No.', dispatched: 'Given to the executor',
  },
  log: { follow: 'Follow', search: 'Search in the log', all: 'All streams', stdout: 'Output', stderr: 'Errors', executor: 'Executor', download: 'Download', firstError: 'First error', empty: 'No output so far', ended: 'Complete', skippedHead: 'The first {size} are not shown.', fromStart: 'Show from the start', hits: '{i} of {n}', noHits: 'no match', dropped: 'Earlier lines are dropped to keep the page quick; download the log to see all.', top: 'To the start', bottom: 'To the end', wrap: 'Wrap lines' },
  control: {
    stop: 'Stop', pause: 'Pause', unpause: 'Go on', resume: 'Resume', reset: 'Run all anew', rerun: 'Rerun from here', skip: 'Skip', mark: 'Mark succeeded', kill: 'Kill',
    stopText: 'Kills the {running} jobs that run and ends the execution. {left} jobs will not run. It can be resumed later from where it broke.',
    pauseText: 'The {running} jobs that run go on to their end; nothing else starts until someone lets it go on.',
    unpauseText: 'Lets the execution go on: {left} jobs that wait may start again.',
    resumeText: 'Runs the {again} jobs again that failed, were killed or were held up. What succeeded is not run again. Definitions are read afresh, so a command that was corrected takes effect.',
    resetText: 'Runs all {total} jobs anew, also the {done} that have succeeded. Definitions are read afresh.',
    rerunText: 'Runs “{job}” and all jobs below it again, in this execution, with definitions read afresh. All others keep their state.',
    skipText: 'Counts “{job}” as skipped. What waits for its success goes on as if it had succeeded; it is not run.',
    markText: 'Counts “{job}” as succeeded although it did not run to its end here. What waits for it goes on.',
    killText: 'Ends “{job}” now, with all its processes, without a retry. The execution goes on as after a failure: what needs its success becomes “upstream failed”.',
    done: 'Done', starting: 'Run now', run: 'Run',
  },
  start: { title: 'Run {name}', dataDate: 'Data date', dateHelp: 'The business date it is for. Empty: the day before today, in the server’s zone.', downstream: 'With all flows downstream', downstreamHelp: 'Also runs every flow that has this one among its ancestors, each after its parents.', params: 'Params', paramsHelp: 'Go before params of the same name of flows and jobs.', alone: 'This job only', aloneHelp: 'Runs just this job, without what it depends on. Such a run moves no data date.', started: 'Execution {id} has started', submit: 'Run' },
  form: { create: 'New {kind}', editing: 'Edit {name}', help: 'Help', secretKept: 'Leave empty to keep what is stored', addRow: 'Add a line', condition: 'when it', offset: 'days off', waitLimit: 'waits at most', success: 'succeeds', failure: 'fails', done: 'ends', delay: 'Wait before the first', max: 'Retries', backoff: 'Each wait × ', cap: 'Longest wait', noRetry: 'No retries', shared: 'shared', own: 'text', create_: 'Create', chooseFlow: 'Choose a flow first', pickDates: 'Add dates', once: 'Shown once: keep it now', onceDone: 'I have kept it' },
  cron: { fields: 'Pick', expression: 'Expression', minute: 'Minute', hour: 'Hour', day: 'Day', month: 'Month', weekday: 'Weekday', every: 'every', step: 'every … from …', range: 'from … to …', picked: 'these', next: 'Next ten times', warnings: 'Mind', words: 'In words', custom: 'as written', inZone: 'in {zone}', yours: 'Your time', dialect: 'Dialect' },
  audit: { at: 'When', what: 'What' },
  graph: { list: 'List', search: 'Find a node', fit: 'Fit', zoomIn: 'Zoom in', zoomOut: 'Zoom out', legend: 'Legend', upstream: 'upstream', downstream: 'downstream', nodes: '{n} nodes, {e} edges', failedFirst: 'Next failed', map: 'Small map', label: 'Graph of {n} nodes; arrow keys move, plus and minus zoom', picked: '{name}: {up} upstream, {down} downstream', empty: 'Nothing to draw', open: 'Open', jobs: 'Jobs', around: 'Flows around', depth: 'Depth', edge_success: 'needs success', edge_failure: 'needs failure', edge_done: 'needs any end' },
}
