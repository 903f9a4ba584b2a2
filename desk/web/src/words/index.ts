import { createI18n } from 'vue-i18n'
import { settings } from '../parts/settings'
import { en } from './en'
import { zh } from './zh'

export type Language = 'zh' | 'en'

/** Both languages are in the first load, so that switching needs no network. */
export const i18n = createI18n({ legacy: false, locale: settings.language, fallbackLocale: false, missingWarn: true, messages: { zh, en } })

/** speak switches the language of everything at once, also of what a screen reader is told. */
export function speak(language: Language) {
  settings.language = language
  i18n.global.locale.value = language
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
}
