package desk

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// Devices: whose they are, since when, and when one was last heard of.

// DeviceRow is a device of the register.
type DeviceRow struct {
	Device  string      `json:"device"`
	Tenant  string      `json:"tenant"`
	Patient string      `json:"patient" doc:"to whom it is bound, or was"`
	From    event.Time  `json:"from" doc:"since when it is this patient's, with the credentials that it has"`
	Revoked bool        `json:"revoked,omitempty" doc:"it has no access and is nobody's"`
	Heard   *event.Time `json:"heard,omitempty" doc:"when its last reading came, as far as this desk server has heard since it started"`
}

// DevicePage is a part of the devices.
type DevicePage struct {
	Devices []DeviceRow `json:"devices" doc:"by id"`
	Next    string      `json:"next" doc:"ask again with after; empty: that was all"`
	Since   event.Time  `json:"since" doc:"since when this desk server listens"`
}

// BindBody binds a device to a patient.
type BindBody struct {
	Device  string `json:"device" minLength:"1" maxLength:"128"`
	Tenant  string `json:"tenant" minLength:"1" maxLength:"64"`
	Patient string `json:"patient" minLength:"1" maxLength:"128"`
}

// ReplaceBody names the device that comes instead.
type ReplaceBody struct {
	With string `json:"with" minLength:"1" maxLength:"128"`
}

// DeviceMade is a device with its credentials. They are said once.
type DeviceMade struct {
	Device  string `json:"device"`
	Tenant  string `json:"tenant"`
	Patient string `json:"patient"`
	Token   string `json:"token" doc:"the password of its MQTT session, or its bearer token"`
	Left    string `json:"left,omitempty" doc:"a device that could not be revoked and is still bound: revoke it"`
}

// DevicePath names a device in the path.
type DevicePath struct {
	ID string `path:"id" maxLength:"128"`
}

func (s *Server) deviceOperations(api huma.API) {
	answers := []int{http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	huma.Register(api, op(mayRegister, "GET", "/v1/devices", "listDevices", "groups", "The register of devices", http.StatusServiceUnavailable),
		func(ctx context.Context, in *RegisterPage) (*body[DevicePage], error) {
			return answer(s.deviceList(ctx, *in))
		})
	const path = "/v1/admin/devices"
	huma.Register(api, op(mayImport, "POST", path, "bindDevice", "admin", "Bind a device to a patient; its credentials are said once", answers...),
		func(ctx context.Context, in *body[BindBody]) (*body[DeviceMade], error) {
			return answer(s.bindDevice(ctx, in.Body))
		})
	huma.Register(api, op(mayImport, "POST", path+"/{id}/credentials", "renewDevice", "admin", "Give a device new credentials; the old ones open nothing any more", answers...),
		func(ctx context.Context, in *DevicePath) (*body[DeviceMade], error) {
			return answer(s.renewDevice(ctx, in.ID))
		})
	huma.Register(api, op(mayImport, "POST", path+"/{id}/replace", "replaceDevice", "admin", "Bind another device in the place of this one, which is revoked", answers...),
		func(ctx context.Context, in *struct {
			DevicePath
			Body ReplaceBody
		}) (*body[DeviceMade], error) {
			return answer(s.replaceDevice(ctx, in.ID, in.Body.With))
		})
	huma.Register(api, op(mayImport, "DELETE", path+"/{id}", "revokeDevice", "admin", "Take a device's access away; it is nobody's then, and its session ends", answers...),
		func(ctx context.Context, in *DevicePath) (*struct{}, error) {
			_, err := s.bound(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			return nil, s.tell(ctx, &event.RevokeRequested{Device: in.ID, By: identityOf(ctx).Account})
		})
}

func (s *Server) deviceList(ctx context.Context, in RegisterPage) (DevicePage, error) {
	if err := s.reading(ctx, "devices.read"); err != nil {
		return DevicePage{}, err
	}
	keep := s.registered(identityOf(ctx))
	page := DevicePage{Devices: []DeviceRow{}, Since: event.TimeOf(s.started)}
	for _, b := range s.o.Directory.Bindings() {
		if b.Device <= in.After || !keep(b.Tenant, b.Patient) {
			continue
		}
		if len(page.Devices) == in.Limit {
			page.Next = page.Devices[in.Limit-1].Device
			break
		}
		row := DeviceRow{Device: b.Device, Tenant: b.Tenant, Patient: b.Patient, From: b.From, Revoked: b.Revoked}
		if at, ok := s.devices.last(b.Device); ok {
			row.Heard = &at
		}
		page.Devices = append(page.Devices, row)
	}
	return page, nil
}

// bound answers a device of a tenant that whoever asks administers, revoked or not. One of another tenant is not there.
func (s *Server) bound(ctx context.Context, device string) (directory.Binding, error) {
	b, known := s.o.Directory.Device(device)
	if !known || !administers(identityOf(ctx), b.Tenant) {
		return b, refuse(http.StatusNotFound, "unknown", "没有这台设备，或不在您的管理范围内", "there is no such device, or you do not administer it")
	}
	return b, nil
}

func (s *Server) bindDevice(ctx context.Context, in BindBody) (DeviceMade, error) {
	b, known := s.o.Directory.Device(in.Device)
	if known && !b.Revoked && b.Tenant == in.Tenant && b.Patient == in.Patient && administers(identityOf(ctx), in.Tenant) {
		return DeviceMade{}, refuse(http.StatusConflict, "taken", "该设备已绑定该患者；如需更换凭据，请用“新凭据”", "this device is this patient's already: for other credentials, ask for new ones")
	}
	return s.wear(ctx, in.Device, in.Tenant, in.Patient)
}

func (s *Server) renewDevice(ctx context.Context, device string) (DeviceMade, error) {
	b, err := s.bound(ctx, device)
	if err != nil {
		return DeviceMade{}, err
	}
	if b.Revoked {
		return DeviceMade{}, refuse(http.StatusConflict, "revoked", "该设备已注销；请重新绑定", "this device is revoked: bind it anew")
	}
	return s.wear(ctx, device, b.Tenant, b.Patient)
}

// replaceDevice binds the new one before the old one goes, so that the patient is never without.
func (s *Server) replaceDevice(ctx context.Context, old, with string) (DeviceMade, error) {
	b, err := s.bound(ctx, old)
	switch {
	case err != nil:
		return DeviceMade{}, err
	case b.Revoked:
		return DeviceMade{}, refuse(http.StatusConflict, "revoked", "该设备已注销，无可替换", "this device is revoked: there is nothing to replace")
	case old == with:
		return DeviceMade{}, refuse(http.StatusConflict, "taken", "新设备与原设备相同", "the new device is the old one")
	}
	made, err := s.bindDevice(ctx, BindBody{Device: with, Tenant: b.Tenant, Patient: b.Patient})
	if err != nil {
		return DeviceMade{}, err
	}
	if err := s.tell(ctx, &event.RevokeRequested{Device: old, By: identityOf(ctx).Account}); err != nil {
		made.Left = old // the credentials of the new one must not be lost with this
	}
	return made, nil
}

// wear binds a device with credentials that are made for it, by the way of an import.
func (s *Server) wear(ctx context.Context, device, tenant, patient string) (DeviceMade, error) {
	p, err := s.administered(ctx, tenant, patient)
	if err != nil {
		return DeviceMade{}, err
	}
	token := directory.NewToken()
	groups := append([]string{p.Group}, p.Also...)
	if _, err := s.row(ctx, directory.Row{Tenant: tenant, Patient: patient, Group: strings.Join(groups, "+"), Device: device, Token: token}); err != nil {
		return DeviceMade{}, err
	}
	return DeviceMade{Device: device, Tenant: tenant, Patient: patient, Token: token}, nil
}

// devicesHeard is when the last reading of each device came, so that nobody reads the log for it.
type devicesHeard struct {
	mu sync.Mutex
	at map[string]event.Time
}

func (d *devicesHeard) heard(seen Seen) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range seen.Inputs {
		o, ok := e.Data.(*event.ObservationRecorded)
		if !ok || o.Device == "" || streams.IsWatched(e.Subject) {
			continue
		}
		if d.at == nil {
			d.at = map[string]event.Time{}
		}
		d.at[o.Device] = max(d.at[o.Device], o.ReceivedAt)
	}
}

func (d *devicesHeard) last(device string) (at event.Time, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at, ok = d.at[device]
	return at, ok
}
