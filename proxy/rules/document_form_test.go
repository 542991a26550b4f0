package rules

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestAFormIsDecodedAsBrowsersEncodeIt(t *testing.T) {
	d := read(t, typeForm, "name=a+b%2B%26&e=&f&&u=%C3%A9&r=é&x=1&x=2&x=3&user%5Bemail%5D=me&%3D==")
	want := map[string]any{
		"name": "a b+&", "e": "", "f": "", "u": "é", "r": "é", "x": []any{"1", "2", "3"}, "user[email]": "me", "=": "=",
	}
	if got := d.Value(); !reflect.DeepEqual(got, want) || !d.IsForm() || d.Empty() {
		t.Errorf("%v; want %v", got, want)
	}
	for p, text := range map[string]string{"/name": "a b+&", "/e": "", "/f": "", "/u": "é", "/user[email]": "me", "/=": "="} {
		f, err := d.Field(pointer(t, p))
		if err != nil || !f.Present || !f.Scalar || f.Text != text {
			t.Errorf("%s: %+v, %v; want %q", p, f, err, text)
		}
	}
	for _, p := range []string{"/nam", "/names", "/y/z", "/y"} {
		if f, err := d.Field(pointer(t, p)); err != nil || f.Present {
			t.Errorf("%s: %+v, %v; want nothing", p, f, err)
		}
	}
	if f, err := d.Field(Pointer{}); err != nil || !f.Present || f.Scalar {
		t.Errorf("the whole form: %+v, %v", f, err)
	}
	if f, _ := d.Field(pointer(t, "/name")); string(f.Raw) != `"a b+&"` {
		t.Errorf("%s", f.Raw)
	}
}

func TestAFormThatReadersDifferInIsMalformed(t *testing.T) {
	for _, content := range []string{"a=%", "a=%4", "a=%zz", "%=1", "a=%u0041", "a=%ff", "%ff=1", "a=\xff", strings.Repeat("a=1&", mostParts) + "b=1"} {
		if d, err := ReadRequest(header(typeForm), []byte(content)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%.20q: %v, %v", content, d.Value(), err)
		}
	}
	if _, err := ReadRequest(header(typeForm), []byte(strings.Repeat("a=1&", mostParts))); err != nil {
		t.Error(err)
	}
}

func TestAParameterThatSomeReadersTakeForAnotherIsNeverLookedUp(t *testing.T) {
	for _, tc := range []struct {
		content, pointer string
		clear            bool
	}{
		{"status=1&status=1", "/status", false},
		{"Status=1", "/status", false},
		{"status=1&STATUS=2", "/status", false},
		{"status[]=1", "/status", false},
		{"status%5B%5D=1&status=2", "/status", false},
		{"status[a]=1", "/status", false},
		{"+status=1", "/status", false},
		{"status+=1", "/status", false},
		{"status%00x=1", "/status", false},
		{"x=1;status=2", "/status", false},
		{"status=1;x=2", "/status", false},
		{"status=a%00", "/status", false},
		{"order.status=1", "/order_status", false},
		{strings.Repeat("a=&", 1000) + "status=1", "/status", false},

		{"=1", "/", false},

		{"status=1&Other=1&other=2&a;b=c&d=%00", "/status", true},
		{"status=a%3Bb", "/status", true},
		{"statuses=1", "/status", true},
		{"Status=1", "/Status", true},

		// what is found in JSON may be written in a form as well, and then must not be taken for missing
		{"order[status]=1", "/order/status", false},
		{"order%5Bstatus%5D=1", "/order/status", false},
		{"Order.status=1", "/order/status", false},
		{"a=1;order.status=1", "/order/status", false},
		{"order=1", "/order/status", false},
		{"orders=1&orders.status=2&status=3", "/order/status", true},
	} {
		f, err := read(t, typeForm, tc.content).Field(pointer(t, tc.pointer))
		if tc.clear != (err == nil) || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%.40s at %s: %+v, %v", tc.content, tc.pointer, f, err)
		}
	}
}
