package cascache

import (
	"testing"
)

func TestStringRoundTrip(t *testing.T) {
	for _, value := range []string{"", "text", "\x00\xff\xfe no UTF-8", "ü"} {
		encoded, err := String{}.Encode(value)
		if err != nil || string(encoded) != value {
			t.Errorf("the bytes of a string are the string: %q: got %q, %v", value, encoded, err)
		}
		appended, err := String{}.AppendEncode([]byte("before "), value)
		if err != nil || string(appended) != "before "+value {
			t.Errorf("the appending form extends what it is given: %q: got %q, %v", value, appended, err)
		}
		decoded, err := String{}.Decode(encoded)
		if err != nil || decoded != value {
			t.Errorf("a string comes back as it was: %q: got %q, %v", value, decoded, err)
		}
	}
}

func TestADecodedStringSharesNoMemory(t *testing.T) {
	data := []byte("value")
	decoded, err := String{}.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	copy(data, "spoil")
	if decoded != "value" {
		t.Errorf("a decoded value shares no memory with its bytes: got %q after they changed", decoded)
	}
}

func TestStringHasTheAppendingForm(t *testing.T) {
	if _, ok := AbilityOf[AppendEncoder[string]](String{}); !ok {
		t.Error("String appends, so that a fill makes no slice for the payload alone: the ability is not found")
	}
}
