package jsoncodec_test

import (
	"fmt"

	jsoncodec "github.com/unkn0wn-root/cascache/codec-json"
)

type User struct {
	Name string   `json:"name"`
	Tags []string `json:"tags"`
}

func Example() {
	codec := jsoncodec.JSON[User]{}
	data, err := codec.Encode(User{Name: "Ada", Tags: []string{"<analyst>"}})
	fmt.Println(string(data), err)

	user, err := codec.Decode(data)
	fmt.Println(user, err)

	_, err = codec.Decode(data[:10])
	fmt.Println(err)
	// Output:
	// {"name":"Ada","tags":["<analyst>"]} <nil>
	// {Ada [<analyst>]} <nil>
	// jsoncodec: decode: unexpected end of JSON input
}

// An entry written before a field was removed from User, or after one was
// added to it, is a miss.
func ExampleJSON_disallowUnknownFields() {
	codec := jsoncodec.JSON[User]{DisallowUnknownFields: true}
	_, err := codec.Decode([]byte(`{"name":"Ada","email":"ada@example.com"}`))
	fmt.Println(err)
	// Output:
	// jsoncodec: decode: json: unknown field "email"
}

func ExampleJSON_useNumber() {
	data := []byte(`{"id":9007199254740993}`)
	rounded, _ := jsoncodec.JSON[map[string]any]{}.Decode(data)
	exact, _ := jsoncodec.JSON[map[string]any]{UseNumber: true}.Decode(data)
	fmt.Printf("%.0f %v\n", rounded["id"], exact["id"])
	// Output:
	// 9007199254740992 9007199254740993
}
