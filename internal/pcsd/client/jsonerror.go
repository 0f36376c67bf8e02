package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// JSONError adds to an error of reading data as JSON where in it that is, as line, column and character, each as the original counts them
// (characters from 0).
func JSONError(data []byte, err error) error {
	var at int64
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at = max(syntax.Offset-1, 0) // of the byte after which it is known to be wrong
		if syntax.Error() == "unexpected end of JSON input" {
			at = int64(len(data))
		}
	case errors.As(err, &kind):
		at = kind.Offset
	default:
		return err
	}
	before := data[:min(at, int64(len(data)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len([]rune(string(before[bytes.LastIndexByte(before, '\n')+1:]))) + 1
	return fmt.Errorf("%w: line %d column %d (char %d)", err, line, column, len([]rune(string(before))))
}
