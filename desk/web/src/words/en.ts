// The English words. zh.ts has the same keys; a test holds them together. Words that stand in the table of
// words of the help page are used in that meaning alone.
export const en = {
  app: { name: 'Tocsin', desk: 'Early-warning desk', other: '中文', switchTo: '切换到中文', skip: 'Skip to the content', loading: 'Loading …', comma: ', ' },
  nav: { queue: 'Queue', groups: 'Groups', packs: 'Rule packs', main: 'Main', back: 'Back' },
  severity: { high: 'High', medium: 'Medium', low: 'Low', technical: 'Technical', none: 'None' },
  chip: { high: '高 High', medium: '中 Medium', low: '低 Low', technical: '技 Tech', none: '–' },
  span: { d: '{n} d', h: '{n} h', min: '{n} min', s: '{n} s', sep: ' ', ago: '{span} ago', left: '{span} left', over: 'overdue by {span}', for: 'for {span}', future: 'in {span}', never: 'never' },
  sign: {
    title: 'Sign in', account: 'Account', password: 'Password', submit: 'Sign in', busy: 'Signing in …', out: 'Sign out',
    first: 'The first start prints an account and a one-time password in the terminal.',
    changeTitle: 'Choose your own password', changeWhy: 'This password was for one use. Nothing else is open until you have chosen your own.',
    current: 'One-time password', fresh: 'New password', again: 'New password, again', rule: 'At least 10 characters.',
    differ: 'The two new passwords differ.', short: 'At least 10 characters are needed; these are {n}.', change: 'Change password', changing: 'Changing …',
    ended: 'Your session has ended. Sign in again.',
  },
  state: {
    dataAge: 'data {span} old', dataNone: 'data: not known yet', sound: 'Sound', desks: '{n} desks listening', desk1: '1 desk listening',
    historyOff: 'history off', lag: '{n} records behind', simulated: 'simulated 模拟', simulatedWhy: 'Every patient here is made up.',
    notWatching: 'NOT WATCHING since {at}', notWatchingNever: 'NOT WATCHING: nothing has been heard from the desk', notWatchingWhy: 'New readings are not being judged on this screen. Call the patients who worry you, and the operator.',
    down: 'No connection since {at}', downWhy: 'Numbers are as they were then. Trying again …', connecting: 'Connecting …', back: 'The connection is back.',
    newHigh: 'New high priority warning: {patient}. {why}', againHigh: 'High priority again: {patient}. {why}',
  },
  sound: {
    start: 'Start the sound', unproven: 'sound not proven', on: 'sound proven', prove: 'Play the sound of a high warning; it counts as proven when it plays', mute: 'Mute for 2 min', muted: 'muted, {span} left', unmute: 'Sound on again',
    none: 'this browser has no sound',
  },
  menu: {
    open: 'Menu', signedIn: 'Signed in as {account}, {role}', look: 'Look', auto: 'As the system', light: 'Light', dark: 'Dark', wall: 'Wall',
    keys: 'Single-key shortcuts', language: 'Language', help: 'Help and keys', close: 'Close',
  },
  role: {
    lead: 'lead', nurse: 'nurse', doctor: 'doctor', pharmacist: 'pharmacist', 'health-manager': 'health manager', clinic: 'community clinic',
    administrator: 'administrator', security: 'security', auditor: 'auditor',
  },
  asked: { desk: 'the desk', nurse: 'nurse', 'doctor-1': 'first doctor', 'doctor-2': 'second doctor', 'duty-office': 'duty office', 'day-list': 'the day list', lead: 'lead' },
  queue: {
    title: 'What needs me now', list: 'Open warnings', mine: 'Mine', unclaimed: 'Unclaimed', all: 'All', whose: 'Which warnings',
    group: 'Group', everyGroup: 'All groups', search: 'Search', searchHint: 'Patient, words', order: 'By severity, then time left',
    waiting: '{n} new: show them', none: 'No open warning.', noneWhy: 'Data {span} old. Silence is watched too.', noneHere: 'No warning fits this choice.', clear: 'Show all',
    pick: 'Choose a warning on the left to see why it was raised.', more: '{n} more', gone: 'closed', shown: '{n} of {all}',
    noSee: 'Your role looks after the system and sees no patients.', open: 'open',
  },
  problem: { deterioration: 'Getting worse', silence: 'Silence: no data', fault: 'Technical fault' },
  warning: {
    title: 'Warning', state: 'State', new: 'unclaimed', accepted: 'accepted', returned: 'asks again', closed: 'closed', mine: 'you have it', has: '{who} has it',
    since: 'since {at}', raised: 'raised {at}', eased: 'nothing is found any more; it waits to be closed', danger: 'immediate danger',
    next: '{who} is asked in {span}', nextAgain: '{who} is asked again in {span}', nextOver: '{who} should be asked now ({span} overdue)', care: 'comes back in {span} unless closed', careOver: 'should have come back {span} ago',
    accept: 'Accept', accepting: 'Accepting …', giveBack: 'Give back', givingBack: 'Giving back …', giveBackWhy: 'Reason (may be empty)', close: 'Close', closing: 'Closing …', cancel: 'Cancel',
    done: 'Done.', acceptedNow: 'You have taken it.', returnedNow: 'Given back: it asks again.', closedNow: 'Closed.',
    noAnswer: 'No answer from the desk. It may have been heard: press again, a repeat counts once.', retry: 'Try again', offline: 'Not possible without a connection.',
    notMine: 'Only {who} can close or give it back.', notRole: 'Your role cannot take this warning.', notFound: 'This warning is not known here.', loadFailed: 'Could not be loaded: {why}',
    why: 'Why', whyTitle: 'Why it was raised', told: 'Told and answered', toldNobody: 'Nobody has been told yet.', leftOut: '{n} lines left out', before: 'Before', beforeText: 'Episode {n} of this problem was closed {at} by {who}: {outcome}.', first: 'The first warning of this kind for this patient.',
    patientPage: 'Own page', was: 'was with {who}',
  },
  reason: {
    measured: 'measured {at}', limitLow: 'lower limit {v}', limitHigh: 'upper limit {v}', limitBoth: '{low} to {high}', patient: 'own target', group: 'set for the group', pack: 'set by the rules',
    setBy: 'set by {who}', ours: 'Tocsin’s own policy, to be confirmed by the clinic', source: 'source: {what}', evidence: 'evidence: {what}', grades: { R: 'the source was read', S: 'a secondary page was read', I: 'a published implementation', M: 'from memory, unverified', P: 'own policy' }, unsure: 'unsure: not confirmed by a second reading', lasts: 'holds since {at}', rule: 'rule {id}',
  },
  score: {
    title: 'Score', of: '{rule}', scale: 'oxygen scale {n}', lowest: 'The known signs give {lower}; with the unknown ones at most {upper}.', exact: 'All signs are known.',
    unknown: 'unknown', adds: 'adds {n}', stale: 'too old', missing: 'Missing', change: '{what} unknown: would make it {from} to {to}', changeOld: '{what} too old: would make it {from} to {to}', changeEach: '{what} unknown: each alone would make it {from} to {to}', changeOldEach: '{what} too old: each alone would make it {from} to {to}', pts: '{n} points', pt1: '1 point', band: 'Band {band}', undetermined: 'not determined',
    lacks: 'Not known: {what}', 
    bands: { zero: 'zero', low: 'low', low_medium: 'low–medium', medium: 'medium', high: 'high' },
  },
  chart: {
    title: 'Readings', around: '24 h before the warning until now', off: 'History is off: past readings cannot be drawn. The values above come from the live log.', none: 'No readings in this stretch.', failed: 'The readings could not be loaded.', old: 'Drawn at {at}: history does not answer now, what came since is missing.', retry: 'Load again',
    gap: 'no data for {span}', target: 'own target', limit: 'limit', raised: 'warning raised', table: 'As a table', drawing: 'As a drawing', summary: '{what}: {n} readings, {low} to {high} {unit}, last {last} {at}, gaps: {gaps}',
    time: 'Measured', what: 'Sign', value: 'Value', received: 'Received', mark: 'Mark', marks: 'Marks', loading: 'Loading the readings …', hours: '{n} h', stretch: 'Stretch of time', not: 'nothing is joined across a gap',
  },
  mark: {
    unconfirmed: 'unconfirmed', low_quality: 'poor quality', test: 'test', clock: 'doubtful clock', clock_corrected: 'clock corrected', stale: 'too old',
    why: {
      unconfirmed: 'Implausible and not confirmed by a second reading: shown, not scored.', low_quality: 'The device itself doubts it: shown, not scored.', test: 'The device says that nobody was measured.',
      clock: 'The device’s clock cannot be trusted: the moment of measuring may be wrong.', clock_corrected: 'The device’s clock was wrong and has been corrected.', stale: 'Older than the rules allow: not scored.',
    },
  },
  close: {
    title: 'Close the warning', outcome: 'What was it?', done: 'What was done?', disposition: 'Where is the patient?', contacted: 'Patient or carer was reached', choose: 'choose …', need: 'Still needed: {what}.', contactRule: 'High: needs a contact, or a doctor’s reason.',
    outcomes: { real: 'Real', real_usual: 'Real, but usual for this patient', measurement_fault: 'Measurement fault', technical: 'Technical', not_known_yet: 'Not known yet' },
    dispositions: { home: 'At home', clinic: 'At a clinic', ambulance: 'In an ambulance', admitted: 'Admitted' },
    dones: { spoke: 'Spoke with the patient', carer: 'Spoke with a carer', visit: 'Home visit arranged', medicine: 'Medicine changed on a doctor’s order', ambulance: 'Ambulance called', remeasure: 'Measured again, normal', device: 'Device checked', none: 'Nothing needed' },
  },
  groups: { title: 'Disease groups', patients: '{n} patients', open: 'open warnings', silent: 'silent {n} of {all}', none: 'No group yet. Import patients first: tocsin import FILE.csv', openBoard: 'Open the board', noOpen: 'no open warning' },
  board: {
    title: 'Group board', order: 'Who to call first', patient: 'Patient', score: 'Score', silence: 'Silence', warning: 'Open warning', why: 'Reason for the place', scale: 'all on one scale, {low} to {high} {unit}', trend: 'trend', last: 'last',
    measuring: 'measuring', noReading: 'no reading yet', silent: '{what} silent', silentN: '{n} signals', noWarning: 'none', unowned: 'unclaimed', theirs: '{who} has it', noValue: 'never', none: 'No patient in this group.', rising: 'rising', falling: 'falling', steady: 'steady', filter: 'Show', everyone: 'Everyone', withOpen: 'Open warning', silentOnly: 'Silent', of: '{n} of {all} silent', moved: '{n} places have changed: sort again', trendOf: '{what}: {n} readings, {low} to {high}, {how}',
    summary: '{n} patients · {open} with an open warning · {silent} silent', change: 'Group', measures: 'Measures', plan: 'plan',
  },
  packs: {
    title: 'Rule packs', none: 'No pack has been published yet.', version: 'version {n}', published: 'in effect since {at}', by: 'by {who}', library: 'came with the program', byNobody: 'the log does not tell by whom', used: 'groups: {groups}, patients: {patients}', usedNobody: 'no group uses it',
    last30: '{n} warnings in 30 days', share: '{p} of {n} judged were true', notJudged: 'none judged yet', counting: 'The log is still being read: these numbers are too small yet.',
    loadFailed: 'Could not be loaded: {why}', unknown: 'There is no pack of this name. It may not have been published.', back: 'All packs', parts: 'Parts of the pack',
    part: { watches: 'What it watches', rules: 'Thresholds and rules', tests: 'Tests', record: 'Record' },
    proposed: 'Version {n} waits for a signature: {have} of {needs}, signed by {who}.', everyone: 'all other signs',
  },
  pack: {
    signals: 'Signs', signal: 'Sign', cadence: 'Expected', grace: 'Silent after', fresh: 'Counts for', every: 'every {span}', notExpected: 'when it comes', anyAge: 'any age', silence: 'Nothing comes', silenceText: 'Silence is a {severity} warning, after a grave reading {grave}.', repeats: 'Told again every {span}.',
    questions: 'Questions to the patient', question: 'Question', yesNo: 'yes or no', number: 'a number', facts: 'Numbers about the patient that it needs', factsWhy: 'A rule that names one is not in effect until it is entered.', usual: 'usually {v}', needed: 'no usual value: must be entered',
    measures: 'Numbers that are shown and judge nothing', learn: 'Pages for the patient', usedBy: 'Used by', changed: '{n} numbers set otherwise', versions: 'Versions', version: 'Version', since: 'In effect since', signed: 'Signed by', sum: 'Fingerprint of its text', none: 'None.',
    scores: 'Scores', leads: 'leads', beside: 'judged beside', scope: 'for {who}', from: 'from {n} years', months: '{a} to {b} months', monthsFrom: 'from {a} months', anyone: 'everybody', pregnancyToo: 'in pregnancy too', notPregnant: 'not in pregnancy', points: 'Points', scale: 'oxygen scale {n}', air: 'on room air', oxygen: 'on oxygen', rounded: 'Values are rounded half up to the chart’s grid first.',
    band: 'Band', total: 'Total', single: 'one sign scores {n}', recheck: 'Measure again', advice: 'What to do', orMore: '{n} or more', ask: 'When the total could reach {upper} and is {above} above the patient’s usual, these are asked for: {signs}. Unanswered in {span} it is {severity}.',
    limits: 'Bounds of single signs', bound: 'Bound', severity: 'Severity', when: 'When', inRow: '{n} in a row', onOxygen: 'on oxygen only', danger: 'immediate danger', unsure: 'counts before it is confirmed', own: 'Steps beyond a patient’s own target', beyond: 'by {v} beyond it', beyondAny: 'beyond it at all', low: 'below', high: 'above', ownWhy: 'Where a patient has a target of their own, these stand in for the bounds on that side.',
    rules: 'Rules', condition: 'Condition', numbers: 'Numbers', needs: 'Needs: {what}', clears: 'Goes down when {what}', holds: 'Stays for {span} after it was last so.', mgdl: '{v} mg/dL for readings sent so',
    evidence: 'What the letters mean', source: 'Source', sources: 'Sources', grades: { R: 'the document itself was read', S: 'a page that quotes it was read', I: 'taken from an independent implementation', M: 'from memory: never in effect', P: 'own policy, to be confirmed by the clinic' },
    testsText: 'Readings in, severities out, at moments. The cases of the library, tried on the text that is in effect.', testsPassed: 'All {n} cases pass.', testsFailed: '{failed} of {n} cases fail.', testsNone: 'The library has no cases for this pack: whoever publishes it tries it elsewhere.', passed: 'passes', failed: 'fails',
  },
  record: {
    title: 'How it has done', last7: 'Last 7 days', last30: 'Last 30 days', raised: 'Warnings', real: 'True', realLong: 'real', usual: 'Usual', measurement: 'Measurement fault', technical: 'Technical', unknown: 'Not known yet', open: 'Open', judged: 'judged', share: 'Share true', wd: 'W:D', per100: 'per 100 patient-days', days: '{n} patient-days', notTrue: 'Not true', pending: 'Open or not known yet',
    week: 'Week from', running: 'running', chart: 'Warnings a week', chartText: '{week}: {raised} warnings, {real} true, {no} not true, {open} open or not known yet', byRule: 'By rule, last 30 days', rule: 'Rule', none: 'No warning yet.', noRate: 'below 7 patient-days', ofJudged: '{p} ({real} of {n})',
    how: 'How this is counted', howText: 'A warning counts in the week in which it was raised, for each rule among its reasons then or when it became worse. True is “real” alone; real but usual for the patient is not. The share is of those that were closed with a known outcome. W:D is how many of those had to be looked at for one true. A patient-day is a day in a group that uses the pack.', since: 'The log tells since {at}.',
  },
  plan: {
    title: 'Plan', page: 'Plan of {who}', open: 'Show the whole plan', packs: 'Packs', leading: 'leads', instead: 'A pack of a group is not published: {pack} stands in.', notPublished: 'not published',
    conflicts: 'Where the packs disagree', noConflicts: 'The packs do not disagree.', blocks: 'A doctor has to decide', decided: 'decided', conflictQ: '{what}: {packs}', took: '{pack} holds', tookFor: '{pack} holds until a doctor orders a target or chooses', strictest: 'all hold, the strictest is met first', conflictRule: 'rule {rule}',
    missing: 'Not entered', missingFor: 'not in effect until then: {rules}', noMissing: 'Nothing that the packs need is missing.', facts: 'About the patient', usual: 'usual value of the pack', age: '{n} years', months: '{n} months', pregnant: 'pregnant', scale2: 'oxygen scale 2, ordered', targets: 'Own targets', implied: 'by the order of oxygen scale 2', ordered: 'ordered by {who}, {at}',
    watched: 'What is watched', sign: 'Sign', expected: 'Expected', bounds: 'Bounds', whose: 'Whose number', until: 'until {at}', forGood: 'until it is changed', setBy: '{whose}, {who}', from: { pack: 'pack', group: 'group', patient: 'patient' }, beaten: 'the own target holds instead', noBounds: 'no bound of its own', mild: 'and {n} milder',
    rules: 'Rules', waits: 'waits for a number', off: 'switched off', overrides: 'Set otherwise', noOverrides: 'Nothing is set otherwise.', wasOff: 'switched off', holds: 'in force', over: 'over, or beaten', measures: 'Measures now', notKnown: 'not known', failed: 'The plan could not be loaded: {why}', conflictsN: '{n} to decide', missingN: '{n} not entered', changedN: '{n} set otherwise', because: 'because: {why}',
  },
  inputs: { title: 'What the condition saw', name: 'What', value: 'Value', measured: 'Measured', whose: 'Whose number', until: 'Until', unknown: 'not known', condition: 'Condition', yes: 'yes', no: 'no', pack: 'pack {id}' },
  fn: {
    last: '{x}, newest', previous: '{x}, the one before', change: '{x}: change since the one before', age: '{x}: minutes since the newest', mean: '{x}: mean of {len}', min: '{x}: least of {len}', max: '{x}: greatest of {len}', count: '{x}: readings in {len}', spread: '{x}: spread over {len}', delta: '{x}: newest less oldest of {len}', rise: '{x}: rise within {len}', fall: '{x}: fall within {len}', slope: '{x}: per day over {len}', trend: '{x}: trend per day over {len}', ewma: '{x}: smoothed, half-life {len}', cusum_up: '{x}: sum above its own level, {len}', cusum_down: '{x}: sum below its own level, {len}', baseline: '{x}: own level of {len}', deviation: '{x}: distance from its own level, {len}', days: '{x}: days with a reading in {len}', days_in_row: '{x}: days in a row', in_range: '{x}: percent in range, {len}',
  },
  quantity: {
    spo2_percent: 'SpO₂', supplemental_o2: 'Oxygen', respiration_per_min: 'Breathing rate', pulse_per_min: 'Pulse', systolic_mmhg: 'Systolic', diastolic_mmhg: 'Diastolic', temperature_cel: 'Temperature', acvpu: 'Consciousness',
    weight_kg: 'Weight', glucose_mmol_per_l: 'Glucose', ketone_mmol_per_l: 'Ketones', peak_flow_l_per_min: 'Peak flow',
    sensor_glucose_mmol_per_l: 'Sensor glucose', mean_pressure_mmhg: 'Mean pressure', o2_flow_l_per_min: 'Oxygen flow', fio2_percent: 'Inspired oxygen', capillary_refill_s: 'Capillary refill', respiratory_distress: 'Respiratory distress', urine_ml_per_h: 'Urine', steps_per_day: 'Steps', pain_nrs: 'Pain', ultrafiltration_ml_per_day: 'Ultrafiltration',
  },
  o2: { yes: 'on oxygen', no: 'room air' },
  distress: { none: 'none', mild: 'mild', moderate: 'moderate', severe: 'severe' },
  acvpu: { A: 'A alert', C: 'C newly confused', V: 'V responds to voice', P: 'P responds to pain', U: 'U unresponsive', '?': 'unknown' },
  help: {
    title: 'Help and keys', keys: 'Keys', words: 'Words', colours: 'Colours', colourText: 'Colour means the severity of a warning and nothing else, after IEC 60601-1-8. Grey for technical warnings is our own choice.',
    off: 'Single-key shortcuts are off.', next: 'next warning', prev: 'previous warning', accept: 'accept', giveBack: 'give back', close: 'close', mute: 'mute for 2 min, or sound on again', show: 'show what is new', search: 'search', queue: 'queue', groups: 'groups', packs: 'rule packs', help: 'this page', lang: 'switch the language', escape: 'back, or leave a field', filter: 'mine, unclaimed, all',
    sounds: 'A high warning sounds until one desk accepts it; a medium one sounds three tones on arrival and when it is overdue; a low one is silent.',
    wordList: { warning: 'warning', technical: 'technical', accept: 'accept', handOver: 'hand over', shelve: 'shelve', escalate: 'escalate', close: 'close', outcome: 'outcome', disposition: 'disposition', silence: 'silence (no data)', mute: 'mute', notReached: 'not reached', late: 'late finding', interval: 'score interval', explain: 'explain (why)', board: 'group board', target: 'own target', remeasure: 're-measure' },
  },
  wall: { more: 'and {n} more', quiet: 'No open warning', leave: 'Leave the wall (Esc)' },
  error: { title: 'This page could not be shown', reload: 'Load it again', unreachable: 'The desk does not answer. Check the network, then try again.', notPage: 'There is no such page.' },
}

/** The shape that every language has. */
export type Words = typeof en
