package pcsd

import (
	"encoding/json"

	"hacluster/internal/pcsd/library"
)

// oldReport is a report as calls that are older than the API give it.
type oldReport struct {
	Severity  string         `json:"severity"`
	Code      string         `json:"code"`
	Info      map[string]any `json:"info"`
	Forceable *string        `json:"forceable"`
	Text      string         `json:"report_text"`
}

func oldReports(list []libReport) []any {
	out := []any{}
	for _, r := range list {
		out = append(out, oldReport{r.Severity.Level, r.Message.Code, r.Message.Payload, r.Severity.Force, r.Message.Message})
	}
	return out
}

// libAnswer is what library commands that are called by a path of their own answer.
type libAnswer struct {
	Status  string  `json:"status"`
	Message *string `json:"status_msg"`
	Reports []any   `json:"report_list"`
	Data    any     `json:"data"`
}

// ownPath is a command of the library that is called by a path of its own, for clients older than the API.
func ownPath(name string) func(*Server, *request) answer {
	return func(s *Server, r *request) answer {
		fail := func(text string) answer { return okJSON(libAnswer{"input_error", &text, []any{}, nil}) }
		if !r.has("data_json") {
			return fail("Missing required parameter: data_json")
		}
		var params map[string]json.RawMessage
		if json.Unmarshal([]byte(r.value("data_json")), &params) != nil || params == nil {
			return fail("Input is not valid JSON object")
		}
		c, ok := library.Find(name)
		if !ok {
			return answer{501, "Not Implemented"}
		}
		o := s.execute(r.Context(), r, c, params, nil)
		return okJSON(libAnswer{o.status(), nil, oldReports(o.reports), o.data})
	}
}
