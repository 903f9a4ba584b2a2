import { computed } from 'vue'
import { darkTheme, dateEnUS, dateZhCN, enUS, zhCN, type GlobalThemeOverrides } from 'naive-ui'
import { look } from './look'
import { settings } from './settings'

// Naive UI's parts in our greys: its own green and red would say a severity.
const greys = (ink: string, on: string, panel: string, edge: string, picked: string, hint: string): GlobalThemeOverrides => ({
  common: {
    fontFamily: 'inherit',
    fontSize: '16px',
    fontSizeMedium: '16px',
    fontSizeLarge: '16px',
    heightMedium: '40px',
    heightLarge: '48px',
    borderRadius: '6px',
    primaryColor: ink,
    primaryColorHover: ink,
    primaryColorPressed: ink,
    primaryColorSuppl: ink,
    borderColor: edge,
    textColorBase: ink,
    inputColor: panel,
    inputColorDisabled: picked,
    placeholderColor: hint,
    popoverColor: panel,
  },
  Button: { textColorPrimary: on, textColorHoverPrimary: on, textColorPressedPrimary: on, textColorFocusPrimary: on, textColorDisabledPrimary: on, border: `1px solid ${edge}`, fontWeightStrong: '700' },
  Input: { border: `1px solid ${edge}`, textColor: ink, placeholderColor: hint },
  Popover: { color: panel, textColor: ink },
})

const light = greys('#15171a', '#ffffff', '#ffffff', '#84898f', '#e9e9e6', '#5d636a')
const dark = greys('#eceef0', '#101214', '#16191c', '#6f767e', '#2a2f35', '#a0a7af')

export const naiveTheme = computed(() => (look.value === 'light' ? null : darkTheme))
export const naiveGreys = computed(() => (look.value === 'light' ? light : dark))
export const naiveLocale = computed(() => (settings.language === 'zh' ? zhCN : enUS))
export const naiveDates = computed(() => (settings.language === 'zh' ? dateZhCN : dateEnUS))
