// Short names for what the desk's API says. schema.d.ts is made from desk/openapi.json by `npm run api`; a test holds
// the two together.
import type { components } from './schema'

type S = components['schemas']

export type Warning = S['Warning']
export type WarningStory = S['WarningStory']
export type Reason = S['Reason']
export type Score = S['Score']
export type Part = S['Part']
export type Group = S['Group']
export type Latest = S['Latest']
export type Reading = S['Reading']
export type Readings = S['Readings']
export type Course = S['Course']
export type CourseWarning = S['CourseWarning']
export type CourseEvent = S['CourseEvent']
export type CourseSpan = S['CourseSpan']
export type Input = S['Input']
export type WordPair = S['WordPair']
export type Consents = S['ConsentView']
export type Consent = S['ConsentBody']
export type Withdrawal = S['WithdrawBody']
export type ConsentRow = S['ConsentRow']
export type ConsentPage = S['ConsentPage']
export type Teams = S['Teams']
export type TeamPage = S['TeamPage']
export type TeamBody = S['TeamBody']
export type Responsible = S['Responsible']
export type Choosing = S['ResponsibleBody']
export type PackHead = S['PackHead']
export type PackPage = S['PackPage']
export type PackScore = S['PackScore']
export type PackLimit = S['PackLimit']
export type PackRule = S['PackRule']
export type PackRecord = S['Record']
export type RecordSpan = S['Span']
export type Tally = S['Tally']
export type Duty = S['Duty']
export type RotaPage = S['RotaPage']
export type RotaBody = S['RotaBody']
export type PolicyPage = S['PolicyPage']
export type PolicyBody = S['PolicyBody']
export type OnDuty = S['OnDuty']
export type Gap = S['Gap']
export type FieldFault = S['ProblemField']
export type Quality = S['Quality']
export type QualityWeek = S['QualityWeek']
export type QualityLine = S['QualityLine']
export type Took = S['Took']
export type PatientPlan = S['PatientPlan']
export type PlanBound = S['PlanBound']
export type Measure = S['RowMeasure']
export type Status = S['Status']
export type Session = S['Session']
export type Ways = S['Ways']
export type FactorOffer = S['FactorOffer']
export type FactorMade = S['FactorMade']
export type Unjudged = S['Unjudged']
export type Colleague = S['Colleague']
export type Left = S['Left']
export type Tried = S['Tried']
export type Contact = Required<S['ContactBody']>
export type Offer = Required<S['OfferBody']>
export type Shelving = Required<S['ShelveBody']>
export type Judgement = Required<S['OutcomeBody']>
export type Worry = S['WarnBody']
export type Leaving = Required<S['LeaveBody']>
export type Disowning = S['DisownBody']
export type Closing = Required<Omit<S['CloseBody'], 'desk'>>

export type Person = S['Person']
export type PersonView = S['PersonView']
export type Brief = S['Brief']
export type Emergency = S['Emergency']
export type Opening = Required<S['EmergencyBody']>
export type Reviewing = Required<S['ReviewBody']>
export type AuditEntry = S['AuditEntry']
export type AuditPage = S['AuditPage']

export type PushView = S['PushView']
export type PushBody = S['PushBody']
export type Accounts = S['Accounts']
export type AccountRow = S['AccountRow']
export type AccountMade = S['AccountMade']
export type TokenRow = S['TokenRow']
export type TokenMade = S['TokenMade']
export type Place = S['Place']
export type Appointing = Required<S['AppointBody']>
export type Enrolled = S['Enrolled']
export type EnrolledPage = S['EnrolledPage']
export type FoundPage = S['FoundPage']
export type DeviceRow = S['DeviceRow']
export type DevicePage = S['DevicePage']
export type DeviceMade = S['DeviceMade']
export type ImportLine = S['ImportLine']

export type Severity = Warning['severity']
export type WarningState = Warning['state']

/** A point of a trend: ms since 1970 and the value. */
export type Point = [number, number]
export type Row = Omit<S['Row'], 'trend'> & { trend: Record<string, Point[]> }
export type Snapshot = Omit<S['Snapshot'], 'rows'> & { rows: Row[] }
