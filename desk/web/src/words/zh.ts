import type { Words } from './en'

// 中文用词。键与 en.ts 一致，由测试保证。
export const zh: Words = {
  app: { name: 'Tocsin', desk: '早期预警台', other: 'English', switchTo: 'Switch to English', skip: '跳到正文', loading: '正在载入……', comma: '、' },
  nav: { queue: '预警队列', groups: '专病组', main: '主导航', back: '返回' },
  severity: { high: '高优先级', medium: '中优先级', low: '低优先级', technical: '技术报警', none: '无' },
  chip: { high: '高', medium: '中', low: '低', technical: '技', none: '–' },
  span: { d: '{n} 天', h: '{n} 小时', min: '{n} 分', s: '{n} 秒', sep: ' ', ago: '{span}前', left: '剩 {span}', over: '已超时 {span}', for: '已 {span}', future: '{span}后', never: '从未' },
  sign: {
    title: '登录', account: '账号', password: '密码', submit: '登录', busy: '正在登录……', out: '退出登录',
    first: '首次启动时，终端会显示账号和一次性密码。',
    changeTitle: '设置您自己的密码', changeWhy: '当前密码只能使用一次。设置新密码之前，其他页面不会打开。',
    current: '一次性密码', fresh: '新密码', again: '再次输入新密码', rule: '至少 10 个字符。',
    differ: '两次输入的新密码不一致。', short: '至少需要 10 个字符，现在是 {n} 个。', change: '修改密码', changing: '正在修改……',
    ended: '登录已失效，请重新登录。',
  },
  state: {
    dataAge: '数据 {span}前', dataNone: '数据时间未知', sound: '声音', desks: '{n} 个预警台在听', desk1: '1 个预警台在听',
    historyOff: '历史库已关闭', lag: '积压 {n} 条', simulated: '模拟 simulated', simulatedWhy: '此处所有患者均为虚构。',
    notWatching: '自 {at} 起无人监测', notWatchingNever: '无人监测：尚未收到任何数据', notWatchingWhy: '本屏不再评估新读数。请致电您不放心的患者，并联系运维人员。',
    down: '自 {at} 起连接中断', downWhy: '数字停留在中断时刻，正在重新连接……', connecting: '正在连接……', back: '连接已恢复。',
    newHigh: '新的高优先级预警：{patient}。{why}', againHigh: '再次高优先级：{patient}。{why}',
  },
  sound: {
    start: '开启声音', unproven: '声音未验证', on: '声音已验证', prove: '播放高优先级预警音；能播放即视为已验证', mute: '静音 2 分钟', muted: '静音，剩 {span}', unmute: '恢复声音',
    none: '此浏览器无法发声',
  },
  menu: {
    open: '菜单', signedIn: '当前账号：{account}（{role}）', look: '外观', auto: '跟随系统', light: '浅色', dark: '深色', wall: '大屏',
    keys: '单键快捷键', language: '语言', help: '帮助与快捷键', close: '关闭',
  },
  role: {
    lead: '负责人', nurse: '护士', doctor: '医生', pharmacist: '药师', 'health-manager': '健康管理师', clinic: '社区卫生服务中心',
    administrator: '系统管理员', security: '安全管理员', auditor: '审计员',
  },
  asked: { desk: '预警台', nurse: '护士', 'doctor-1': '一线医生', 'doctor-2': '二线医生', 'duty-office': '总值班室', 'day-list': '日间清单', lead: '负责人' },
  queue: {
    title: '现在需要我处理什么', list: '未结案预警', mine: '我的', unclaimed: '未接手', all: '全部', whose: '显示哪些预警',
    group: '专病组', everyGroup: '全部专病组', search: '搜索', searchHint: '患者、文字', order: '按优先级，再按剩余时间',
    waiting: '有 {n} 条新预警：点击显示', none: '没有未结案的预警。', noneWhy: '数据为 {span}前。数据中断同样在监测之中。', noneHere: '没有符合条件的预警。', clear: '显示全部',
    pick: '在左侧选择一条预警，查看预警依据。', more: '还有 {n} 条', gone: '已结案', shown: '{n} / {all}',
    noSee: '您的角色负责维护系统，不查看患者。', open: '未结案',
  },
  problem: { deterioration: '病情恶化', silence: '数据中断', fault: '技术故障' },
  warning: {
    title: '预警', state: '状态', new: '未接手', accepted: '已接手', returned: '再次提醒', closed: '已结案', mine: '由您接手', has: '由 {who} 接手',
    since: '始于 {at}', raised: '{at} 发出', eased: '异常已消失，等待结案', danger: '即刻危险',
    next: '{span}后上报{who}', nextAgain: '{span}后再次上报{who}', nextOver: '应已上报{who}（超时 {span}）', care: '如未结案，{span}后重新提醒', careOver: '应于 {span}前重新提醒',
    accept: '接手', accepting: '正在接手……', giveBack: '退回', givingBack: '正在退回……', giveBackWhy: '原因（可不填）', close: '结案', closing: '正在结案……', cancel: '取消',
    done: '已完成。', acceptedNow: '您已接手。', returnedNow: '已退回，将重新提醒。', closedNow: '已结案。',
    noAnswer: '预警台没有应答，请求可能已送达：请再按一次，重复只算一次。', retry: '重试', offline: '连接中断时无法操作。',
    notMine: '只有 {who} 可以结案或退回。', notRole: '您的角色不能接手此预警。', notFound: '没有找到这条预警。', loadFailed: '无法载入：{why}',
    why: '预警依据', whyTitle: '为什么发出预警', told: '通知与应答', toldNobody: '尚未通知任何人。', leftOut: '省略 {n} 行', before: '既往', beforeText: '此问题第 {n} 次预警于 {at} 由 {who} 结案：{outcome}。', first: '该患者首次出现此类预警。',
    patientPage: '独立页面', was: '原由 {who} 接手',
  },
  reason: {
    measured: '{at} 测得', limitLow: '下限 {v}', limitHigh: '上限 {v}', limitBoth: '{low} 至 {high}', patient: '个体化目标', group: '专病组设定', pack: '规则设定',
    setBy: '由 {who} 设定', ours: 'Tocsin 自定，须由使用机构确认', source: '来源：{what}', evidence: '证据：{what}', grades: { R: '已查阅原文', S: '已查阅二手资料', I: '取自已发表的实现', M: '凭记忆，未核实', P: '本机构自定' }, unsure: '存疑：尚无第二次读数证实', lasts: '自 {at} 持续', rule: '规则 {id}',
  },
  score: {
    title: '评分', of: '{rule}', scale: '血氧量表 {n}', lowest: '已知体征为 {lower} 分；加上未知体征最多 {upper} 分。', exact: '所有体征已知。',
    unknown: '未知', adds: '加 {n} 分', stale: '已过时', missing: '缺失', change: '{what}未知：已知后总分为 {from} 至 {to}', changeOld: '{what}已过时：复测后总分为 {from} 至 {to}', changeEach: '{what}未知：任一项单独已知后总分为 {from} 至 {to}', changeOldEach: '{what}已过时：任一项单独复测后总分为 {from} 至 {to}', pts: '{n} 分', pt1: '1 分', band: '区间 {band}', undetermined: '未确定',
    bands: { zero: '零', low: '低', low_medium: '低–中', medium: '中', high: '高' },
  },
  chart: {
    title: '读数', around: '预警前 24 小时至今', off: '历史库已关闭，无法绘制既往读数。上方数值来自实时日志。', none: '此时段没有读数。', failed: '读数未能载入。', old: '绘制于 {at}：历史库暂无应答，此后的读数未显示。', retry: '重新载入',
    gap: '{span}无数据', target: '个体化目标', limit: '阈值', raised: '发出预警', table: '表格', drawing: '图形', summary: '{what}：{n} 次读数，{low} 至 {high} {unit}，最近 {last}，{at}，中断 {gaps} 处',
    time: '测量时间', what: '项目', value: '数值', received: '收到时间', mark: '标记', marks: '标记', loading: '正在载入读数……', hours: '{n} 小时', stretch: '时间范围', not: '中断处不连线',
  },
  mark: {
    unconfirmed: '未证实', low_quality: '质量差', test: '测试', clock: '时钟存疑', clock_corrected: '时钟已校正', stale: '已过时',
    why: {
      unconfirmed: '数值不合理，且无第二次读数证实：仅显示，不计分。', low_quality: '设备自身认为质量差：仅显示，不计分。', test: '设备声明未测量任何人。',
      clock: '设备时钟不可信：测量时间可能有误。', clock_corrected: '设备时钟有误，已校正。', stale: '超过规则允许的时限：不计分。',
    },
  },
  close: {
    title: '预警结案', outcome: '处置结果？', done: '做了什么？', disposition: '患者去向？', contacted: '已联系上患者或照护者', choose: '请选择……', need: '还需填写：{what}。', contactRule: '高优先级：须已联系上，或由医生说明理由。',
    outcomes: { real: '真实', real_usual: '真实，但属该患者常态', measurement_fault: '测量错误', technical: '技术原因', not_known_yet: '尚不清楚' },
    dispositions: { home: '在家', clinic: '在社区医疗机构', ambulance: '在救护车上', admitted: '已住院' },
    dones: { spoke: '已与患者通话', carer: '已与照护者通话', visit: '已安排上门', medicine: '遵医嘱调整用药', ambulance: '已呼叫 120', remeasure: '复测正常', device: '已检查设备', none: '无需处理' },
  },
  groups: { title: '专病组', patients: '{n} 名患者', open: '未结案预警', silent: '数据中断 {n} / {all}', none: '还没有专病组。请先导入患者：tocsin import FILE.csv', openBoard: '打开看板', noOpen: '没有未结案预警' },
  board: {
    title: '专病组看板', order: '优先致电顺序', patient: '患者', score: '评分', silence: '数据中断', warning: '未结案预警', why: '排序理由', scale: '统一刻度 {low} 至 {high} {unit}', trend: '趋势', last: '最近',
    measuring: '正常上传', noReading: '尚无读数', silent: '{what}中断', silentN: '{n} 项', noWarning: '无', unowned: '未接手', theirs: '由 {who} 接手', noValue: '从未', none: '此专病组没有患者。', rising: '上升', falling: '下降', steady: '平稳', filter: '显示', everyone: '所有人', withOpen: '有预警', silentOnly: '数据中断', of: '中断 {n} / {all}', moved: '有 {n} 个位次变化：重新排序', trendOf: '{what}：{n} 次读数，{low} 至 {high}，{how}',
    summary: '{n} 名患者 · {open} 名有未结案预警 · {silent} 名数据中断', change: '专病组',
  },
  quantity: {
    spo2_percent: '血氧', supplemental_o2: '吸氧', respiration_per_min: '呼吸频率', pulse_per_min: '脉搏', systolic_mmhg: '收缩压', diastolic_mmhg: '舒张压', temperature_cel: '体温', acvpu: '意识',
    weight_kg: '体重', glucose_mmol_per_l: '血糖', ketone_mmol_per_l: '血酮', peak_flow_l_per_min: '峰流速',
    sensor_glucose_mmol_per_l: '葡萄糖（连续监测）', mean_pressure_mmhg: '平均动脉压', o2_flow_l_per_min: '氧流量', fio2_percent: '吸入氧浓度', capillary_refill_s: '毛细血管充盈时间', respiratory_distress: '呼吸窘迫', urine_ml_per_h: '尿量', steps_per_day: '步数', pain_nrs: '疼痛评分', ultrafiltration_ml_per_day: '超滤量',
  },
  o2: { yes: '吸氧中', no: '未吸氧' },
  distress: { none: '无', mild: '轻度', moderate: '中度', severe: '重度' },
  acvpu: { A: 'A 清醒', C: 'C 新发意识模糊', V: 'V 对声音有反应', P: 'P 对疼痛有反应', U: 'U 无反应', '?': '未知' },
  help: {
    title: '帮助与快捷键', keys: '快捷键', words: '用词', colours: '颜色', colourText: '颜色只表示预警的优先级（依据 IEC 60601-1-8），不作他用。技术报警用灰色是本系统的选择。',
    off: '单键快捷键已关闭。', next: '下一条预警', prev: '上一条预警', accept: '接手', giveBack: '退回', close: '结案', mute: '静音 2 分钟，或恢复声音', show: '显示新预警', search: '搜索', queue: '预警队列', groups: '专病组', help: '本页', lang: '切换语言', escape: '返回，或离开输入框', filter: '我的、未接手、全部',
    sounds: '高优先级预警持续鸣响，直到有预警台接手；中优先级到达时和超时时各响三声；低优先级无声。',
    wordList: { warning: '预警', technical: '技术报警', accept: '接手', handOver: '转交', shelve: '搁置', escalate: '逐级上报', close: '结案', outcome: '处置结果', disposition: '患者去向', silence: '数据中断', mute: '静音', notReached: '未接通', late: '补传异常', interval: '评分区间', explain: '预警依据', board: '专病组看板', target: '个体化目标', remeasure: '复测' },
  },
  wall: { more: '还有 {n} 条', quiet: '没有未结案的预警', leave: '退出大屏（Esc）' },
  error: { title: '无法显示此页面', reload: '重新载入', unreachable: '预警台没有应答。请检查网络后重试。', notPage: '没有这个页面。' },
}
