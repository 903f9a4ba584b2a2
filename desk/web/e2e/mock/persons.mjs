import { iso, story } from './ward.mjs'

// Who the patients of the mock are: nobody. No number that begins with 000 is anybody's.

const person = (n) => ({
  name: `Demo Patient ${n} 演示患者${n}`, birth_date: '1954-02-28', sex: 'female',
  phones: [{ label: '手机 mobile', number: '000-0001-0001' }, { label: '座机 home', number: '000-0001-0002' }],
  carers: [{ name: 'Demo Daughter 演示女儿', relation: '女儿 daughter', phones: [{ number: '000-0001-0003' }] }, { name: 'Demo Neighbour 演示邻居', relation: '邻居 neighbour' }],
  address: 'Demo Road 1, 3rd floor, door code 0000 演示路1号3楼，门禁 0000', dialect: '粤语 Cantonese', lives_alone: true, community_phone: '000-9000-0001', emergency_phone: '000-0120-0001',
})

/** The vault as it was steered: known, or why it is not. */
export function personView(r, state) {
  if (state !== 'known') return { state, version: state === 'none' || state === 'off' ? 0 : 3, person: {} }
  return { state, version: 3, person: person(r.patient.slice(-2)), age_years: 72 }
}

/** What is read out to 120. */
export function brief(r, w, state, groups, now) {
  const who = personView(r, state)
  const g = groups.find((x) => x.group === r.group)
  return { at: iso(now), tenant: r.tenant, patient: r.patient, who, age_years: 72, groups: [{ group: r.group, zh: g?.zh ?? r.group, en: g?.en ?? r.group }], pregnant: false, latest: r.latest, ...(w ? { warning: story(w, now) } : {}) }
}
