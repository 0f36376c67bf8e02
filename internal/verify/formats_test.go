package verify

import (
	"encoding/json"
	"testing"
	"time"

	"hacluster/cib/xml"
)

// TestForms reads what programs get: both forms hold the finding with its place.
func TestForms(t *testing.T) {
	doc, err := xml.ParseString("<cib validate-with=\"pacemaker-4.0\" admin_epoch=\"0\" epoch=\"0\" num_updates=\"0\">\n <configuration><crm_config/><nodes/><resources/>\n <constraints><rsc_location id=\"l\" rsc=\"é\" node=\"n\" score=\"1\"/></constraints></configuration><status/></cib>")
	if err != nil {
		t.Fatal(err)
	}
	r := Check(Source{Name: "a b.xml", Doc: doc}, time.Now())
	var own struct {
		Code     int
		Findings []struct {
			Rule, File, ID, Attribute, Message string
			Line, Column                       int
		}
	}
	if err := json.Unmarshal(r.JSON(78, "Invalid configuration"), &own); err != nil {
		t.Fatal(err)
	}
	if len(own.Findings) != 1 || own.Code != 78 {
		t.Fatalf("%+v", own)
	}
	if f := own.Findings[0]; f.Rule != "bad-reference" || f.Line != 3 || f.Column != 36 || f.ID != "l" || f.Attribute != "rsc" || f.File != "a b.xml" || f.Message == "" {
		t.Errorf("%+v", f)
	}
	var sarif struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID, Level string
				Message       struct{ Text string }
				Locations     []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine, StartColumn int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(r.SARIF(), &sarif); err != nil {
		t.Fatal(err)
	}
	res := sarif.Runs[0].Results
	if sarif.Version != "2.1.0" || len(res) != 1 || len(sarif.Runs[0].Tool.Driver.Rules) != 1 || res[0].Level != "error" ||
		res[0].Locations[0].PhysicalLocation.Region.StartLine != 3 || res[0].Locations[0].PhysicalLocation.ArtifactLocation.URI != "a%20b.xml" {
		t.Errorf("%s", r.SARIF())
	}
}
