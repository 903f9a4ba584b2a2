// The English words. zh.ts has the same keys; a test holds them together. Words that stand in the table of
// words of the help page are used in that meaning alone.
export const en = {
  app: { name: 'Tocsin', desk: 'Early-warning desk', other: '中文', switchTo: '切换到中文', skip: 'Skip to the content', loading: 'Loading …', comma: ', ' },
  nav: { queue: 'Queue', groups: 'Groups', main: 'Main', back: 'Back' },
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
    summary: '{n} patients · {open} with an open warning · {silent} silent', change: 'Group',
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
    off: 'Single-key shortcuts are off.', next: 'next warning', prev: 'previous warning', accept: 'accept', giveBack: 'give back', close: 'close', mute: 'mute for 2 min, or sound on again', show: 'show what is new', search: 'search', queue: 'queue', groups: 'groups', help: 'this page', lang: 'switch the language', escape: 'back, or leave a field', filter: 'mine, unclaimed, all',
    sounds: 'A high warning sounds until one desk accepts it; a medium one sounds three tones on arrival and when it is overdue; a low one is silent.',
    wordList: { warning: 'warning', technical: 'technical', accept: 'accept', handOver: 'hand over', shelve: 'shelve', escalate: 'escalate', close: 'close', outcome: 'outcome', disposition: 'disposition', silence: 'silence (no data)', mute: 'mute', notReached: 'not reached', late: 'late finding', interval: 'score interval', explain: 'explain (why)', board: 'group board', target: 'own target', remeasure: 're-measure' },
  },
  wall: { more: 'and {n} more', quiet: 'No open warning', leave: 'Leave the wall (Esc)' },
  error: { title: 'This page could not be shown', reload: 'Load it again', unreachable: 'The desk does not answer. Check the network, then try again.', notPage: 'There is no such page.' },
}

/** The shape that every language has. */
export type Words = typeof en
