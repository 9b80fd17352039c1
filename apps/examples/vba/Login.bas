Attribute VB_Name = "QrcastLogin"
Option Explicit

' Links a messenger account from Excel for Windows: run LinkAccount. It creates a session, puts the
' link of the login page into the cell B1 of the active sheet, and each new state into B2. Esc stops
' it.
'
' The settings are environment variables of the user, so that the workbook contains no secret:
' QRCAST_URL, QRCAST_API_KEY, GREEN_API_ID_INSTANCE, GREEN_API_TOKEN and, for another provider host,
' GREEN_API_URL. The link contains a ticket that is valid for 15 minutes.

Private Const MAX_FAILURES As Long = 8 ' in a row
Private Const WAIT_SECONDS As Long = 30 ' the most a request is held
Private Const FAILED As Long = vbObjectError + 513

Public Sub LinkAccount()
    Dim sheet As Worksheet, answer As String, link As String, etag As String

    Randomize
    Set sheet = ActiveSheet
    sheet.Range("A1:A2").Value = Application.Transpose(Array("Login page", "State"))
    On Error GoTo Stopped
    answer = CallGateway("POST", "/v1/sessions", CreateBody(), etag)
    link = Field(answer, "pageUrl")
    sheet.Hyperlinks.Add Anchor:=sheet.Range("B1"), Address:=Split(link, "#")(0), SubAddress:=Split(link, "#")(1), TextToDisplay:=link
    Watch sheet.Range("B2"), Field(answer, "id")
    Exit Sub

Stopped:
    Application.StatusBar = False
    sheet.Range("B2").Value = Err.Description
End Sub

' Shows each new state in the cell until one is final.
Private Sub Watch(ByVal cell As Range, ByVal sessionId As String)
    Dim answer As String, etag As String, state As String, isFinal As Boolean

    Do Until isFinal
        answer = CallGateway("GET", "/v1/sessions/" & sessionId & "?formats=text&wait=" & WAIT_SECONDS, "", etag)
        If answer <> "" Then
            state = Field(answer, "state")
            cell.Value = Trim$(state & " " & Why(answer))
            isFinal = state = "connected" Or (state = "ended" And InStr(answer, """resumable"":false") > 0)
        End If
    Loop
End Sub

Private Function CreateBody() As String
    Dim apiUrl As String

    If Environ$("GREEN_API_URL") <> "" Then apiUrl = ",""apiUrl"":""" & Environ$("GREEN_API_URL") & """"
    CreateBody = "{""instanceId"":""" & Setting("GREEN_API_ID_INSTANCE") & """,""apiToken"":""" & Setting("GREEN_API_TOKEN") & """" & _
        ",""reference"":""order-77""" & apiUrl & "}"
End Function

' Returns the answer, or "" where nothing is newer than etag, and sets etag. Tries again while that
' is of use; raises FAILED otherwise.
Private Function CallGateway(ByVal method As String, ByVal path As String, ByVal body As String, ByRef etag As String) As String
    Dim http As Object, failures As Long, status As Long, trouble As String, retryAfter As Double

    For failures = 0 To MAX_FAILURES - 1
        Set http = CreateObject("MSXML2.ServerXMLHTTP.6.0")
        retryAfter = 0
        status = Send(http, method, path, body, etag, trouble)
        If status = 304 Then Exit Function
        If status >= 200 And status < 300 Then
            etag = http.getResponseHeader("ETag")
            CallGateway = http.responseText
            Exit Function
        End If
        If status > 0 Then
            ' The gateway explains a refusal in application/problem+json; a proxy before it may not.
            trouble = "status " & status & " " & Field(http.responseText, "detail")
            If status < 500 And status <> 429 Then Err.Raise FAILED, , "refused: " & trouble
            retryAfter = Val(http.getResponseHeader("Retry-After"))
        End If
        Application.StatusBar = trouble & "; trying again"
        Pause retryAfter + Rnd * WorksheetFunction.Min(15, 2 ^ failures)
        Application.StatusBar = False
    Next failures
    Err.Raise FAILED, , "gave up after " & MAX_FAILURES & " tries: " & trouble
End Function

' Makes one request while Excel stays usable. Returns its status, or 0 and the reason if there was
' no answer.
Private Function Send(ByVal http As Object, ByVal method As String, ByVal path As String, ByVal body As String, ByVal etag As String, _
        ByRef trouble As String) As Long
    Dim key As String

    key = Setting("QRCAST_API_KEY")
    On Error GoTo NoAnswer
    http.setTimeouts 5000, 5000, 10000, (WAIT_SECONDS + 10) * 1000
    http.Open method, Setting("QRCAST_URL", "http://127.0.0.1:3000") & path, True
    http.setRequestHeader "Authorization", "Bearer " & key
    If etag <> "" Then http.setRequestHeader "If-None-Match", etag
    If body <> "" Then http.setRequestHeader "Content-Type", "application/json"
    http.send body
    Do Until http.waitForResponse(1)
        DoEvents
    Loop
    Send = http.status
    Exit Function

NoAnswer:
    trouble = Err.Description
End Function

Private Sub Pause(ByVal seconds As Double)
    Dim endsAt As Date

    endsAt = Now + seconds / 86400
    Do While Now < endsAt
        DoEvents
    Loop
End Sub

Private Function Setting(ByVal variable As String, Optional ByVal otherwise As String = "") As String
    Setting = Environ$(variable)
    If Setting = "" Then Setting = otherwise
    If Setting = "" Then Err.Raise FAILED, , "set the environment variable " & variable & " and start Excel again"
End Function

' Of a notice or of the end, "" if there is neither. The code to scan is no text but an object.
Private Function Why(ByVal answer As String) As String
    Why = Field(answer, "code") & Field(answer, "reason")
    If Why <> "" Then Why = "(" & Why & ")"
End Function

' The text under this name in the JSON, "" if there is none. This works if the JSON has no spaces,
' because quotes inside a text are escaped, so a name between two bare quotes is always a name. A
' text is cut at its own first quote.
Private Function Field(ByVal json As String, ByVal key As String) As String
    Dim parts() As String

    parts = Split(json, """" & key & """:""", 2)
    If UBound(parts) = 1 Then Field = Split(parts(1), """", 2)(0)
End Function
