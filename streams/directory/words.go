package directory

import (
	"fmt"
	"strings"

	"tocsin/streams/event"
)

// refusal is why a request was not granted: a fixed word, and words for the person who asked.
type refusal struct{ reason, zh, en string }

var errToken = inWords("the token's SHA-256 must be 64 hexadecimal digits", "令牌的 SHA-256 须为 64 位十六进制")

func refuse(id string, r refusal) []event.Event {
	return one(&event.RequestRefused{Request: id, Reason: r.reason, Zh: r.zh, En: r.en})
}

func badName(err error) refusal {
	return refusal{"bad_name", "名称不可用：" + InChinese(err), err.Error()}
}

// deviceElsewhere does not say whose patient holds the device: that is the other tenant's business.
func deviceElsewhere(device string) refusal {
	return refusal{"device_taken",
		fmt.Sprintf("设备 %s 已登记在其他机构；设备编号全系统唯一，请改用其他编号，或由该机构先注销", device),
		fmt.Sprintf("device %s is held by another tenant; device ids are unique in the system: use another id, or have it revoked there first", device)}
}

func deviceTaken(device, patient string) refusal {
	return refusal{"device_taken",
		fmt.Sprintf("设备 %s 已绑定患者 %s；请先注销该设备，再重新绑定", device, patient),
		fmt.Sprintf("device %s is bound to patient %s; revoke it first, then bind it again", device, patient)}
}

func needsToken(device string) refusal {
	return refusal{"needs_token", fmt.Sprintf("设备 %s 尚未绑定，需要令牌", device), fmt.Sprintf("device %s is not bound yet and needs a token", device)}
}

var badToken = refusal{"bad_token", "令牌须以 SHA-256 的 64 位十六进制给出", "the token must be given as the 64 hexadecimal digits of its SHA-256"}

func unknownDevice(device string) refusal {
	return refusal{"unknown", "没有设备 " + device, "there is no device " + device}
}

func unknownPatient(tenant, patient string) refusal {
	return refusal{"unknown", fmt.Sprintf("没有患者 %s/%s；请先导入", tenant, patient), fmt.Sprintf("there is no patient %s of tenant %s; import it first", patient, tenant)}
}

func unknownPack(pack string) refusal {
	return refusal{"unknown", fmt.Sprintf("没有规则包 %s；请先发布", pack), fmt.Sprintf("there is no pack %s; publish it first", pack)}
}

func unknownRole(role string) refusal {
	return refusal{"bad_role", fmt.Sprintf("没有角色 %q", role), fmt.Sprintf("there is no role %q; the roles are lead, nurse, doctor, pharmacist, health-manager, clinic, administrator, security, auditor", role)}
}

func unknownAccount(account string) refusal {
	return refusal{"unknown", "没有账号 " + account, "there is no account " + account}
}

func unknownToken(token string) refusal {
	return refusal{"unknown", "没有令牌 " + token, "there is no token " + token}
}

var (
	ownAdministrator  = refusal{"own", "不能撤销本人的管理员权限；请由另一位管理员操作", "nobody takes their own administration away: another administrator does"}
	lastAdministrator = refusal{"administrators",
		"管理员账号只能由另一位已登录、权限不受限的管理员停用或变更；系统须始终保有一位管理员",
		"an administrator's account is locked or changed by another administrator alone, who is signed in and administers everything: one must always be left"}
)

var clinicNowhere = refusal{"needs_clinic",
	"角色 clinic 只查看本中心的患者：请指定社区卫生服务中心",
	"an account of the role clinic sees its own patients alone: name its community clinics (or groups)"}

func badPlan(en, zh string) *refusal { return &refusal{"bad_plan", zh, en} }

func packFault(pack, fault string) refusal {
	return refusal{"bad_pack", fmt.Sprintf("规则包 %s 有误：%s", pack, fault), fmt.Sprintf("pack %s: %s", pack, fault)}
}

func packNotNewer(pack string, version, has int) refusal {
	return refusal{"not_newer",
		fmt.Sprintf("规则包 %s 已有第 %d 版，第 %d 版不更新；请提高版本号", pack, has, version),
		fmt.Sprintf("pack %s is at version %d already and version %d is no newer text of it; raise its version", pack, has, version)}
}

func packSignedAlready(pack, by string) refusal {
	return refusal{"needs_second_signer",
		fmt.Sprintf("规则包 %s 的修改须由两人签署；%s 已签，请由另一人签署", pack, by),
		fmt.Sprintf("a change of pack %s is signed by more than one person; %s has signed it: somebody else must", pack, by)}
}

func packWaits(pack string, version int, signed []string) refusal {
	who := strings.Join(signed, ", ")
	return refusal{"proposal_waits",
		fmt.Sprintf("规则包 %s 第 %d 版（%s 提出）正在等待签署；请先签署，或说明理由后退回", pack, version, who),
		fmt.Sprintf("version %[2]d of pack %[1]s, which %[3]s proposed, waits for a second signature: sign it or decline it first", pack, version, who)}
}

var (
	packOvertaken = refusal{"overtaken", "生效版本已变更，草稿所依据的版本不再有效；请基于当前版本重新修改并回测",
		"another version has taken effect since this draft was begun: make the change on that one, and backtest it again"}
	packUntried = refusal{"no_backtest", "该文本尚未回测；请先完成回测，若无法回测，请说明理由",
		"this very text has not been backtested against the version in effect: backtest it first or, where that cannot be done, say why"}
	packNotWaiting = refusal{"not_waiting", "等待签署的已不是该文本，请重新查看", "this text waits for no signature any more: look again at what does"}
	packNoReason   = refusal{"no_reason", "请填写退回理由", "say why it is declined"}
)

func named(pack string, version int) string { return fmt.Sprintf("%s version %d", pack, version) }
