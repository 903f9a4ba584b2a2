import { settle } from '../look'
import { enter, expect, test } from './desk'

test('RUL-14 ALR-15 the quality of a week: shares with what they are of, times, floods, what is not recorded', async ({ page, mock }) => {
  await settle(page, 'en', 'light')
  await enter(page, mock)
  await expect(page.locator('[role=option]').first()).toBeVisible()
  await page.keyboard.press('Digit4')
  const cards = page.locator('[data-test=cards]')
  await expect(cards).toContainText('per 100 patient-days')
  await expect(cards).toContainText(/\d+ % \(\d+ of \d+; \d+ % to \d+ %\)/)
  await expect(cards).toContainText('not recorded')
  await expect(page.getByText('29 warnings, 2 on duty')).toBeVisible()
  const rules = page.getByRole('region', { name: 'By rule' })
  await expect(rules.getByRole('row', { name: /copd\/silence/ })).toContainText('none judged yet')
  await expect(rules.getByRole('row', { name: /copd\/silence/ })).toContainText('below 7 patient-days')
  await expect(rules.getByRole('row', { name: /copd\/news2/ })).toContainText('few')
  await page.locator('[data-test=group]').selectOption('demo/copd')
  await expect(page).toHaveURL(/quality\?group=demo/)
  await page.locator('[data-test=week]').selectOption({ index: 8 })
  await expect(page.getByText('No warning in this week.').first()).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.locator('[role=option]').first()).toBeVisible()
})
