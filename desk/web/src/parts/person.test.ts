import { expect, it } from 'vitest'
import { draftOf, earlier, personOf } from './person'

it('what the vault has goes through the form as it is; what is empty is not sent', () => {
  const p = { name: 'Demo', phones: [{ label: 'home', number: '000-1' }, { number: '000-2' }], carers: [{ name: 'C', phones: [{ number: '000-3' }] }, { name: 'D', relation: 'son', phones: [] }], lives_alone: false }
  expect(JSON.parse(JSON.stringify(personOf(draftOf(p))))).toEqual(p)
  expect(JSON.parse(JSON.stringify(personOf(draftOf({}))))).toEqual({ phones: [], carers: [] })
})

it('who is called first is moved up', () => {
  const list = ['a', 'b', 'c']
  earlier(list, 2)
  expect(list).toEqual(['a', 'c', 'b'])
})
